"""Several documents as one: the shards of a gate, or reports that are shown together. Pure functions of values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, zip_longest

from ..errors import ParityGateError
from .document import Document, Entry

_SHARD = "shard"
_WHOLE = "1/1"

Named = tuple[str, Document]
"""A document and the name of its file."""


def merged(documents: Sequence[Named]) -> Document:
    """One document of the parts of one run: of a gate, all its shards.

    Raises ParityGateError PG232 if the runs had other options or releases, if two have an entry of the same model and
    target, and if a shard is missing: what nobody has looked at must not seem to have passed. ``started`` is the
    earliest, ``arguments`` are those of no run. Entries of shards are in the order of the plan.
    """
    first_name, first = documents[0]
    for name, document in documents[1:]:
        for what in ("command", "version", "baseline"):
            _same(what, getattr(first, what), getattr(document, what), first_name, name)
        for key in sorted({*first.options, *document.options} - {_SHARD}):
            _same(f"option {key}", first.options.get(key), document.options.get(key), first_name, name)
    entries = _interleaved(_by_shard(documents))
    _check_unique(documents)
    options = {**first.options, _SHARD: _WHOLE} if _SHARD in first.options else first.options
    started = min(document.started for _, document in documents)
    return replace(first, entries=entries, arguments=(), options=options, started=started)


def together(documents: Sequence[Named]) -> Document:
    """One document to show: a single one as it is, of several the entries in order, and what they have in common.

    Raises ParityGateError PG232 if two have an entry of one model and target.
    """
    if len(documents) == 1:
        return documents[0][1]
    _check_unique(documents)
    each = [document for _, document in documents]
    first = each[0]
    return Document(
        first.command if all(document.command == first.command for document in each) else "report",
        tuple(entry for document in each for entry in document.entries),
        options=first.options if all(document.options == first.options for document in each) else {},
        version=first.version if all(document.version == first.version for document in each) else "",
        started=min(document.started for document in each),
        baseline=first.baseline if all(document.baseline == first.baseline for document in each) else "",
    )


def _same(what: str, one: object, other: object, first: str, name: str) -> None:
    if one != other:
        cause = f"its {what} is {other!r}, and that of {first} is {one!r}"
        raise ParityGateError("PG232", name, cause, "Give the reports of one run.")


def _check_unique(documents: Sequence[Named]) -> None:
    seen: dict[tuple[str, str], str] = {}
    for name, document in documents:
        for entry in document.entries:
            key = (entry.model, entry.target)
            if key in seen:
                cause = f"{entry.model} -> {entry.target} is also in {seen[key]}"
                raise ParityGateError("PG232", name, cause, "Give each report once.")
            seen[key] = name


def _by_shard(documents: Sequence[Named]) -> list[Document]:
    """The documents in the order of their shards; as given where they are none."""
    shards = {name: str(document.options.get(_SHARD, "")) for name, document in documents}
    numbers = [_numbers(shard, name) for name, shard in shards.items() if shard]
    if not numbers:
        return [document for _, document in documents]
    counts = {count for _, count in numbers}
    given = sorted(index for index, _ in numbers)
    if len(counts) > 1 or len(numbers) < len(documents):
        raise ParityGateError("PG232", "shards", f"they are parts of different runs: {', '.join(shards.values())}")
    (count,) = counts
    if given != list(range(1, count + 1)):
        cause = f"of {count} shards, these were given: {', '.join(map(str, given))}"
        raise ParityGateError("PG232", "shards", cause, "Give the report of each shard once.")
    return [document for _, document in sorted(documents, key=lambda named: _numbers(shards[named[0]], named[0]))]


def _numbers(shard: str, name: str) -> tuple[int, int]:
    index, _, count = shard.partition("/")
    if not (index.isdecimal() and count.isdecimal()):
        raise ParityGateError("PG232", name, f"its shard {shard!r} isn't NUMBER/COUNT")
    return int(index), int(count)


def _interleaved(documents: Sequence[Document]) -> tuple[Entry, ...]:
    """The first entry of each, then the second of each: a shard has every so-many-th entry of the plan."""
    if _SHARD not in documents[0].options:
        return tuple(entry for document in documents for entry in document.entries)
    rounds = zip_longest(*(document.entries for document in documents))
    return tuple(entry for entry in chain.from_iterable(rounds) if entry is not None)
