"""A report as plain text: what was compared, a table, sentences, and the verdict as the last line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...text import printable
from .advice import advice
from .contents import COLUMNS, LEFT, agreements, cells, headings, sentences, verdict_line

if TYPE_CHECKING:
    from ..types import ReportData


def render_text(report: ReportData) -> str:
    """The whole report, without colours and without a trailing line break."""
    blocks = (
        _listing(tuple(advice(report))),
        _listing(tuple(headings(report))),
        _table([COLUMNS, *map(cells, report.outputs)]) if report.outputs else [],
        list(agreements(report)),
        _listing(tuple(sentences(report))),
        [verdict_line(report)],
    )
    return "\n\n".join("\n".join(printable(line.rstrip()) for line in block) for block in blocks if block)


def _listing(lines: Sequence[tuple[str, str]]) -> list[str]:
    width = max((len(name) for name, _ in lines), default=0)
    return [f"{name.ljust(width)}  {text}" for name, text in lines]


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    rows = [tuple(map(printable, row)) for row in rows]  # before they are measured: an escape takes more room
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(_aligned, row, widths, range(len(row)))) for row in rows]


def _aligned(text: str, width: int, column: int) -> str:
    return text.ljust(width) if column < LEFT or column == len(COLUMNS) - 1 else text.rjust(width)
