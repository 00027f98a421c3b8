"""A document as GitLab's Code Quality report: a JSON list of what makes models fail, and of warnings."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from ...text import printable
from ..document import Document, Entry
from ..problems import Problem
from ..types import Severity
from .fingerprint import fingerprint
from .lead import problems, story
from .place import path_of

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "minor", Severity.NOTE: "info"}


def render_gitlab(document: Document) -> str:
    """Every finding that has a code; the list is empty where there is nothing to say."""
    seen: Counter[str] = Counter()
    found = [_issue(entry, problem, seen) for entry in document.entries for problem in problems(entry) if problem.code]
    return json.dumps(found, allow_nan=False, ensure_ascii=False, indent=2)


def _issue(entry: Entry, problem: Problem, seen: Counter[str]) -> dict[str, Any]:
    return {
        "description": printable(f"{problem.code} {entry.target}: {'; '.join(story(entry, problem))}"),
        "check_name": problem.code,
        "fingerprint": fingerprint(entry, problem, seen),
        "severity": _SEVERITIES[problem.severity],
        "location": {"path": path_of(entry.model), "lines": {"begin": 1}},
    }
