"""What every format leads with, for a report and for an error alike: what it means, what to do next, where to read."""

from __future__ import annotations

from collections.abc import Iterator

from ...catalog import CATALOG
from ..document import Document, Entry, Status
from ..problems import NOTHING, Problem, explaining, problems_of
from ..types import Severity
from .advice import advice, remedy_of
from .contents import verdict_line


def problems(entry: Entry) -> tuple[Problem, ...]:
    """What was found, the most severe first: an ERROR if and only if the entry is no pass."""
    if entry.report is not None:
        return problems_of(entry.report)
    if entry.error is None:
        return (Problem(NOTHING, Severity.ERROR, entry.model, "no output was compared"),)
    return (Problem(entry.error.code, Severity.ERROR, entry.error.subject, entry.error.cause, entry.error.remedy),)


def lead(entry: Entry) -> Iterator[tuple[str, str]]:
    """(head, text) of the lines that an entry without a pass leads with; nothing for a pass."""
    if entry.report is not None:
        yield from advice(entry.report)
    elif entry.error is not None:
        known = CATALOG.get(entry.error.code)
        meaning = f"{known.title}: " if known else ""
        yield "result", f"{meaning}{entry.error.subject}: {entry.error.cause}"
        yield "next", entry.error.remedy or remedy_of(entry.error.code)
        yield "more", explaining(problems(entry))


def story(entry: Entry, problem: Problem) -> Iterator[str]:
    """One problem in lines: what it means, what to do next, details last."""
    known = CATALOG.get(problem.code)
    if problem.severity is Severity.ERROR:
        yield f"{problem.where}: {known.title if known else 'not proved'}"
        yield from (f"{head}: {text}" if head else text for head, text in lead(entry))
        yield f"details: {problem.message}"
        return
    yield f"{problem.where}: {problem.message}"
    yield from filter(None, (problem.remedy, f"more: {problem.explain}" if problem.explain else ""))


def headline(entry: Entry) -> str:
    """One sentence: the verdict, or the error."""
    if entry.report is not None:
        return verdict_line(entry.report)
    code = f" ({entry.error.code})" if entry.error else ""
    return f"ERROR: no verdict{code}"


def name(entry: Entry) -> str:
    """Which model, and what became of it."""
    return f"{entry.model} -> {entry.target}"


def counted(document: Document) -> str:
    """``FAIL: 5 entries: 3 pass, 1 fail, 1 error (2 from the cache)``, and how they stand to a baseline."""
    entries = document.entries
    counts = {status: sum(entry.status is status for entry in entries) for status in Status}
    parts = ", ".join(f"{count} {status.value}" for status, count in counts.items() if count)
    cached = sum(entry.cached for entry in entries)
    more = f" ({cached} from the cache)" if cached else ""
    changes = [entry.change.value for entry in entries if entry.change]
    against = ", ".join(f"{changes.count(change)} {change}" for change in dict.fromkeys(changes))
    compared = f"; compared with {document.baseline}: {against}" if document.baseline and against else ""
    several = f"{len(entries)} {'entry' if len(entries) == 1 else 'entries'}"
    return f"{document.status.value.upper()}: {several}: {parts or 'nothing was compared'}{more}{compared}"
