"""A report as a small HTML fragment for a notebook: the page's pieces without its charts, style and scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..types import ReportData

_COLOURS = {"pass": "#1a7f37", "fail": "#cf222e", "inconclusive": "#9a6700"}


def render_html(report: ReportData) -> str:
    """The verdict first, then what to do, the table and the sentences; the rest folded away."""
    from ..page.report_view import report_view
    from ..page.templating import render_template

    colour = _COLOURS[report.verdict.value]
    return render_template("fragment.html.j2", entry=report_view(report), colour=colour)
