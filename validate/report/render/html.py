"""A report as a small HTML fragment for a notebook: everything escaped, no scripts, nothing fetched."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from ...text import printable
from .advice import advice
from .contents import COLUMNS, LEFT, agreements, cells, headings, sentences, verdict_line

if TYPE_CHECKING:
    from ..types import ReportData

_COLOURS = {"pass": "#1a7f37", "fail": "#cf222e", "inconclusive": "#9a6700"}


def render_html(report: ReportData) -> str:
    """The verdict first, then the table and the sentences; the rest folded away."""
    colour = _COLOURS[report.verdict.value]
    columns = "".join(f"<th style='text-align:{_side(at)}'>{_safe(name)}</th>" for at, name in enumerate(COLUMNS))
    rows = "".join(f"<tr>{_row(cells(output))}</tr>" for output in report.outputs)
    about = "".join(f"<tr>{_row((name, text))}</tr>" for name, text in headings(report))
    return (
        f"<div><p><strong style='color:{colour}'>{_safe(verdict_line(report))}</strong></p>"
        f"{_list(f'{head} {text}'.strip() for head, text in advice(report))}"
        f"<table><thead><tr>{columns}</tr></thead><tbody>{rows}</tbody></table>"
        f"{_list(agreements(report))}{_list(f'{kind} {text}'.strip() for kind, text in sentences(report))}"
        f"<details><summary>what was compared</summary><table><tbody>{about}</tbody></table></details></div>"
    )


def _row(texts: Iterable[str]) -> str:
    return "".join(f"<td style='text-align:{_side(at)}'>{_safe(text)}</td>" for at, text in enumerate(texts))


def _list(items: Iterable[str]) -> str:
    lines = "".join(f"<li>{_safe(item)}</li>" for item in items)
    return f"<ul>{lines}</ul>" if lines else ""


def _side(column: int) -> str:
    return "left" if column < LEFT or column == len(COLUMNS) - 1 else "right"


def _safe(text: str) -> str:
    return escape(printable(text))
