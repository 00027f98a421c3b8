"""The formats that a report can be written in: one module, one member, one branch each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import assert_never

from ..document import Document, Entry
from ..page.page import render_page
from ..report import Report
from .json import render_report
from .markdown import render_markdown
from .text import render_text


class ReportFormat(StrEnum):
    """What ``--format`` may name."""

    TEXT = "text"
    JSON = "json"
    HTML = "html"
    MARKDOWN = "markdown"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command that judges came to: its report, and the file that it wrote."""

    command: str
    report: Report
    written: Path | None = None


def render(outcome: Outcome, format: ReportFormat) -> str:
    """The outcome as text in one of the formats, without a trailing line break."""
    match format:
        case ReportFormat.TEXT:
            return render_text(outcome.report)
        case ReportFormat.JSON:
            return render_report(outcome.command, outcome.report, outcome.written)
        case ReportFormat.HTML:
            return render_page(_document(outcome))
        case ReportFormat.MARKDOWN:
            return render_markdown(outcome.report)
    assert_never(format)


def _document(outcome: Outcome) -> Document:
    """The outcome as a document of one entry."""
    report, written = outcome.report, outcome.written
    entry = Entry(report.reference.path, report.candidate.path, report, written=str(written or ""))
    return Document(outcome.command, (entry,))
