"""The formats of reports, by name. Importing this module costs nothing; :mod:`.render.formats` renders them."""

from __future__ import annotations

from enum import StrEnum


class ReportFormat(StrEnum):
    """What ``--report`` and ``--format`` may name."""

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"
    SARIF = "sarif"
    GITHUB = "github"
    GITLAB = "gitlab"
    MARKDOWN = "markdown"
    HTML = "html"
