"""A report as a rich renderable, for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .rows import COLUMNS, LEFT, agreements, cells, headings, printable, sentences, verdict_line

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from ..report import Report

_STYLES = {
    "pass": "bold green",
    "fail": "bold red",
    "error": "bold red",
    "inconclusive": "bold yellow",
    "warning": "yellow",
    "note": "cyan",
}


def render_rich(report: Report) -> Group:
    """The same content as :func:`.text.render_text`, in colours and fitted to the terminal's width."""
    from rich.console import Group
    from rich.text import Text

    verdict = Text(printable(verdict_line(report)), style=_STYLES[report.verdict.value])
    parts = (
        _grid(tuple(headings(report)), "dim"),
        _table(report),
        Text(printable("; ".join(agreements(report)))),
        _grid(tuple(sentences(report)), ""),
    )
    return Group(*(part for part in parts if not isinstance(part, Text) or part.plain), verdict)


def _table(report: Report) -> Table | Text:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    if not report.outputs:
        return Text()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for at, name in enumerate(COLUMNS):
        words = at < LEFT or not name
        table.add_column(name, justify="left" if words else "right", overflow="fold", no_wrap=not words)
    for output in report.outputs:
        *texts, verdict = map(printable, cells(output))
        table.add_row(*map(Text, texts), Text(verdict, style=_STYLES[verdict]))
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
