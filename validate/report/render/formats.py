"""The formats that a document can be written in: one module, one member, one branch each."""

from __future__ import annotations

from typing import assert_never

from ..document import Document
from ..format_names import ReportFormat as ReportFormat
from ..page.page import render_page
from .document_text import render_document_text
from .github import render_github
from .gitlab import render_gitlab
from .json import render_document
from .junit import render_junit
from .markdown import render_markdown
from .sarif import render_sarif


def render(document: Document, format: ReportFormat) -> str:
    """The document as text in one of the formats, without a trailing line break."""
    match format:
        case ReportFormat.TEXT:
            return render_document_text(document)
        case ReportFormat.JSON:
            return render_document(document)
        case ReportFormat.JUNIT:
            return render_junit(document)
        case ReportFormat.SARIF:
            return render_sarif(document)
        case ReportFormat.GITHUB:
            return render_github(document)
        case ReportFormat.GITLAB:
            return render_gitlab(document)
        case ReportFormat.MARKDOWN:
            return render_markdown(document)
        case ReportFormat.HTML:
            return render_page(document)
    assert_never(format)
