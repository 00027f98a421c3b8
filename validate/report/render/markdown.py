"""A report as Markdown, for a job summary or a pull request: the verdict, the table, what failed."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from ...text import printable
from .advice import advice
from .contents import COLUMNS, agreements, cells, headings, sentences, verdict_line

if TYPE_CHECKING:
    from ..types import ReportData

_SPECIAL = str.maketrans({character: f"\\{character}" for character in "\\`*_{}[]|#~"})


def render_markdown(report: ReportData) -> str:
    """The whole report; names come from files, so nothing in them is taken for Markdown or HTML."""
    lines = [f"**{_safe(verdict_line(report))}**"]
    lines += _list(f"{head} {text}".strip() for head, text in advice(report))
    if report.outputs:
        rule = "|".join(["---"] * len(COLUMNS))
        lines += ["", _row(COLUMNS), f"|{rule}|", *(_row(cells(output)) for output in report.outputs)]
    lines += _list(agreements(report))
    lines += _list(f"{kind} {text}".strip() for kind, text in sentences(report))
    lines += _list(f"{name}: {text}" for name, text in headings(report))
    return "\n".join(lines)


def _row(texts: Iterable[str]) -> str:
    return f"| {' | '.join(map(_safe, texts))} |"


def _list(items: Iterable[str]) -> list[str]:
    lines = [f"- {_safe(item)}" for item in items]
    return ["", *lines] if lines else []


def _safe(text: str) -> str:
    return escape(printable(text), quote=False).translate(_SPECIAL)
