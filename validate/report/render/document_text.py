"""A document as plain text: one report as it prints itself, of several models those first that need attention."""

from __future__ import annotations

from collections.abc import Iterator

from ...text import printable, printable_lines
from ..document import Document, Entry, Status
from .lead import counted, headline, lead, name, problems
from .text import render_text


def render_document_text(document: Document) -> str:
    """The whole document, without colours and without a trailing line break."""
    if len(document.entries) == 1:
        return _alone(document.command, document.entries[0])
    entries = document.worst_first
    failing = [f"{_rule(entry)}\n{_block(entry)}" for entry in entries if entry.status is not Status.PASS]
    table = "\n".join(map(_row, entries))
    return "\n\n".join(filter(None, (*failing, table, printable(counted(document)))))


def _alone(command: str, entry: Entry) -> str:
    if command not in ("convert", "bundle"):
        return _block(entry)
    return f"{_block(entry)}\n{written(entry)}"


def written(entry: Entry) -> str:
    """What became of OUTPUT."""
    return printable(f"written: {entry.written}") if entry.written else "nothing written"


def _rule(entry: Entry) -> str:
    return printable(f"--- {name(entry)}")


def _block(entry: Entry) -> str:
    if entry.report is not None:
        return render_text(entry.report)
    lines = (f"{head:<8} {text}".rstrip() for head, text in lead(entry))
    details = [f"[{problem.code}] {problem.where}: {problem.message}" for problem in problems(entry)]
    return "\n".join(map(printable_lines, [*lines, "", *details, "", headline(entry)]))


def _row(entry: Entry) -> str:
    return printable("  ".join([f"{entry.status.value:<12}", name(entry), *_notes(entry)]))


def _notes(entry: Entry) -> Iterator[str]:
    if entry.cached:
        yield "cached"
    if entry.change:
        yield entry.change.value
    if entry.written and entry.written != entry.target:
        yield f"written: {entry.written}"
