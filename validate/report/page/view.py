"""From a document to what the templates show of it: its entries, failures first, and a matrix."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from ..document import Document, Entry, Failure, Status
from .report_view import ReportView, Rows, report_view

_MOST_OPEN = 25
_MOST_CHARTS = 12_000_000
_TOO_MUCH = "The charts are left out here to keep the page small; render this model's report alone."
_ORDER = (Status.FAIL, Status.ERROR, Status.INCONCLUSIVE, Status.PASS)


@dataclass(frozen=True, slots=True)
class EntryView:
    """One model and target, numbered in the page's order; ``opened`` entries aren't folded."""

    number: int
    name: str
    status: str
    change: str
    opened: bool
    report: ReportView


@dataclass(frozen=True, slots=True)
class PageView:
    """The whole page."""

    title: str
    status: str
    sentence: str
    entries: tuple[EntryView, ...]
    counts: Mapping[str, int]
    matrix: tuple[tuple[str, tuple[tuple[EntryView, ...], ...]], ...]
    targets: tuple[str, ...]
    run: Rows
    several: bool


def page_view(document: Document) -> PageView:
    """Failures before passes; each kept in the document's order."""
    ordered = sorted(document.entries, key=lambda entry: _ORDER.index(entry.status))
    several, room = len(ordered) != 1, _MOST_CHARTS
    views: dict[int, EntryView] = {}
    for number, entry in enumerate(ordered):
        view = _entry(entry, number, room, several=several)
        room -= len(view.report.data)
        views[id(entry)] = view
    counts = Counter(entry.status.value for entry in document.entries)
    targets = tuple(dict.fromkeys(entry.target for entry in document.entries))
    by_place: dict[tuple[str, str], list[EntryView]] = {}
    for entry in ordered:
        by_place.setdefault((entry.model, entry.target), []).append(views[id(entry)])
    models = dict.fromkeys(entry.model for entry in ordered)
    worst = ordered[0].status if ordered else Status.INCONCLUSIVE
    sentence = _counted(document, counts) if several else next(iter(views.values())).report.sentence
    name = f"paritygate {document.command}" if several else f"{ordered[0].model} to {ordered[0].target}"
    return PageView(
        name,
        worst.value,
        sentence,
        tuple(views[id(entry)] for entry in ordered),
        {status.value: counts[status.value] for status in _ORDER},
        tuple((model, tuple(tuple(by_place.get((model, target), ())) for target in targets)) for model in models),
        targets,
        tuple(_run(document)),
        several,
    )


def _counted(document: Document, counts: Mapping[str, int]) -> str:
    if not document.entries:
        return "INCONCLUSIVE: no model was judged"
    words = {Status.FAIL: "failed", Status.ERROR: "ended in errors", Status.INCONCLUSIVE: "inconclusive"}
    bad = ", ".join(f"{counts[status]} {word}" for status, word in words.items() if counts.get(status))
    total = len(document.entries)
    passed = f"{counts.get(Status.PASS, 0)} of {total} passed"
    return f"{passed}; {bad}" if bad else f"All {total} passed"


def _run(document: Document) -> Iterator[tuple[str, str]]:
    if document.arguments:
        yield "command", shlex.join(["paritygate", *document.arguments])
    for name, text in (
        ("paritygate", document.version),
        ("started", document.started),
        ("baseline", document.baseline),
    ):
        if text:
            yield name, text
    for name, value in document.options.items():
        yield f"option {name}", json.dumps(value, ensure_ascii=False, default=str)


def _entry(entry: Entry, number: int, room: int, *, several: bool) -> EntryView:
    opened = not several or (entry.status is not Status.PASS and number < _MOST_OPEN)
    change = entry.change.value if entry.change else ""
    change += f", was {entry.before.value}" if entry.before and entry.before is not entry.status else ""
    view = _of_error(entry.error) if entry.report is None else report_view(entry.report, entry.written)
    if len(view.data) > room:
        view = replace(view, data="", overview=(), outputs=(), left_out=_TOO_MUCH)
    return EntryView(number, f"{entry.model} to {entry.target}", entry.status.value, change, opened, view)


def _of_error(error: Failure | None) -> ReportView:
    if error is None:
        return ReportView("ERROR: it was not judged")
    remedy = (error.remedy,) if error.remedy else ()
    explain = f"Read what it means: paritygate explain {error.code}"
    return ReportView(f"ERROR: {error.subject}: {error.cause} ({error.code})", next=(*remedy, explain))
