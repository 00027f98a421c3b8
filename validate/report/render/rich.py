"""A report as a rich renderable, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...text import printable
from .advice import advice
from .contents import COLUMNS, LEFT, agreements, cells, headings, sentences, verdict_line

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, Group
    from rich.table import Table
    from rich.text import Text

    from ..types import ReportData

_STYLES = {
    "pass": "bold green",
    "fail": "bold red",
    "error": "bold red",
    "inconclusive": "bold yellow",
    "waived": "bold yellow",
    "warning": "yellow",
    "note": "cyan",
}


def render_rich(report: ReportData) -> Group:
    """The same content as :func:`.text.render_text`, in colours and fitted to the terminal's width."""
    from rich.console import Group
    from rich.text import Text

    verdict = Text(printable(verdict_line(report)), style=_STYLES[report.verdict.value])
    parts = (
        _grid(tuple(advice(report)), "bold"),
        _grid(tuple(headings(report)), "dim"),
        _Table(report),
        Text("\n".join(map(printable, agreements(report)))),
        _grid(tuple(sentences(report)), ""),
    )
    return Group(*(part for part in parts if not isinstance(part, Text) or part.plain), verdict)


_DISPENSABLE = ("mean abs", "SNR dB", "cosine", "max rel", "shape", "elements", "dtype")
"""Columns that a narrow terminal does without, the least telling first."""

_GAP = 3  # padding on both sides, and the rule between


@dataclass(frozen=True, slots=True)
class _Table:
    """One row per output, with as many columns as the terminal has room for; the name and the verdict always."""

    report: ReportData

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Table]:
        rows = [tuple(map(printable, cells(output))) for output in self.report.outputs]
        if rows:
            yield _drawn(rows, _fitting(rows, options.max_width))


def _fitting(rows: Sequence[tuple[str, ...]], width: int) -> list[int]:
    """The columns that fit into ``width``, by number."""
    widths = [max(map(len, column)) + _GAP for column in zip(COLUMNS, *rows, strict=True)]
    shown = list(range(len(COLUMNS)))
    for name in _DISPENSABLE:
        if sum(widths[at] for at in shown) <= width:
            break
        shown.remove(COLUMNS.index(name))
    return shown


def _drawn(rows: Sequence[tuple[str, ...]], shown: Sequence[int]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for at in shown:
        words = at < LEFT or not COLUMNS[at]
        table.add_column(COLUMNS[at], justify="left" if words else "right", overflow="fold", no_wrap=not words)
    for row in rows:
        styles = ["", *[""] * (len(shown) - 2), _STYLES[row[-1]]]
        table.add_row(*(Text(row[at], style=style) for at, style in zip(shown, styles, strict=True)))
    return table


def _grid(lines: tuple[tuple[str, str], ...], style: str) -> Table | Text:
    from rich.table import Table
    from rich.text import Text

    if not lines:
        return Text()
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for name, text in lines:
        grid.add_row(Text(name, style=_STYLES.get(name, style)), Text(printable(text)))
    return grid
