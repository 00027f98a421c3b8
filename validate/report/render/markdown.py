"""A document as Markdown, for a job summary or as the body of a comment: the verdict, the table, what failed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import escape

from ...text import printable
from ..document import Document, Entry, Status
from .contents import COLUMNS, agreements, cells, headings, sentences
from .lead import counted, headline, lead, name, problems

MARKER = "<!-- paritygate-report -->"
"""The first line. Nobody sees it, and by it a CI job finds the comment that it wrote before."""

LARGEST_COMMENT = 65_535
"""Characters. GitHub refuses a longer comment; the report is kept below it in bytes too, which are never fewer."""

_LONGEST_TEXT = 2_000
_SPECIAL = str.maketrans({character: f"\\{character}" for character in "\\`*_{}[]|#~"})
_LINKED = re.compile(r"@(?=\w)|(?<=\\#)(?=\d)|:(?=//)|(?<=\bwww)\.")
"""What becomes a mention, a reference or a link although it is escaped."""


def render_markdown(document: Document, largest: int = LARGEST_COMMENT) -> str:
    """The whole document, what fails first; beyond ``largest`` bytes, it says how much is left out.

    Names come from files, so nothing in them is taken for Markdown or HTML, and nobody is mentioned by them.
    """
    return "\n".join(_fitting([MARKER, *_lines(document)], largest))


def _lines(document: Document) -> Iterator[str]:
    if len(document.entries) == 1:
        yield from _entry(document.entries[0])
        return
    yield f"**{_safe(counted(document))}**"
    entries = document.worst_first
    if entries:
        yield from ("", "| | model | target | |", "|---|---|---|---|", *map(_overview, entries))
    for entry in entries:
        if entry.status is not Status.PASS:
            yield from ("", f"### {_safe(name(entry))}", "", *_entry(entry))


def _overview(entry: Entry) -> str:
    notes = (entry.change.value if entry.change else "", "cached" if entry.cached else "", headline(entry))
    return _row((entry.status.value, entry.model, entry.target, "; ".join(filter(None, notes))))


def _entry(entry: Entry) -> Iterator[str]:
    """The verdict, what it means, what to do next; then the details."""
    yield f"**{_safe(headline(entry))}**"
    yield from _list(f"{head} {text}".strip() for head, text in lead(entry))
    report = entry.report
    if report is None:
        yield from _list(f"[{error.code}] {error.where}: {error.message}" for error in problems(entry))
        return
    if report.outputs:
        rule = "|".join(["---"] * len(COLUMNS))
        yield from ("", _row(COLUMNS), f"|{rule}|", *(_row(cells(output)) for output in report.outputs))
    yield from _list(agreements(report))
    yield from _list(f"{kind} {text}".strip() for kind, text in sentences(report))
    yield from _list(f"{head}: {text}" for head, text in headings(report))


def _fitting(lines: list[str], largest: int) -> list[str]:
    """As many whole lines as there is room for, and a line that says how many are left out."""
    sizes = [len(line.encode("utf-8", "backslashreplace")) + 1 for line in lines]
    if sum(sizes) - 1 <= largest:
        return lines
    shown, room = 0, largest - len(_left_out(len(lines)))
    while sizes[shown] <= room:
        room -= sizes[shown]
        shown += 1
    return [*lines[:shown], _left_out(len(lines) - shown)]


def _left_out(count: int) -> str:
    return f"\n*{count} more lines are left out here; the JSON and HTML reports have them.*"


def _row(texts: Iterable[str]) -> str:
    return f"| {' | '.join(map(_safe, texts))} |"


def _list(items: Iterable[str]) -> list[str]:
    lines = [f"- {_safe(item)}" for item in items]
    return ["", *lines] if lines else []


def _safe(text: str) -> str:
    shown = text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}..."
    return _LINKED.sub(_unlinked, escape(printable(shown), quote=False).translate(_SPECIAL))


def _unlinked(found: re.Match[str]) -> str:
    return {":": "&#58;", ".": "&#46;"}.get(found[0], f"{found[0]}&#8203;")
