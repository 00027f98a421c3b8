"""Coverage in words: one line for what was exercised, one for what was not."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from .coverage import Coverage, CoverageKind, Covered

_MOST_NAMED = 4
_TOGETHER = frozenset({CoverageKind.BRANCHES, CoverageKind.TRIPS})
"""Kinds with many small items: one count for all of them."""


def exercised(coverage: Coverage) -> str:
    """What the samples reached, e.g. ``41 of 30,522 rows of e.weight, 14 of 16 branches, batches up to 64``."""
    return ", ".join((*_counts(coverage), *_lengths(coverage)))


def not_exercised(coverage: Coverage, proved: Collection[str] = ()) -> str:
    """What no sample reached; "" where nothing is missing. ``proved`` names tables whose values need no sample."""
    parts = [_missing(item, item.name in proved) for item in coverage.items if item.reached < item.total]
    return _few([*filter(None, parts)]) + (f"; {coverage.uncounted}" if coverage.uncounted and parts else "")


def below(coverage: Coverage, share: float) -> str:
    """The kinds of which less than ``share`` was reached, with their figures; "" where there are none."""
    kinds = [kind for kind, reached in coverage.shares.items() if reached < share]
    return ", ".join(f"{_total(coverage.of(kind))} {kind}" for kind in kinds)


def _counts(coverage: Coverage) -> Iterator[str]:
    for kind in CoverageKind:
        items = coverage.of(kind)
        if items and kind in _TOGETHER:
            yield f"{_total(items)} {kind}"
        else:
            named = [f"{_total((item,))} {kind} of {item.name}" for item in items]
            yield from named[:_MOST_NAMED]
            if len(named) > _MOST_NAMED:
                yield f"{_total(items[_MOST_NAMED:])} {kind} of {len(items) - _MOST_NAMED} others"


def _lengths(coverage: Coverage) -> Iterator[str]:
    if coverage.batch is not None:
        yield f"batches up to {coverage.batch:,}"
    for axis, length in coverage.axes.items():
        yield f"{axis} up to {length:,}"


def _total(items: Sequence[Covered]) -> str:
    return f"{sum(item.reached for item in items):,} of {sum(item.total for item in items):,}"


def _missing(item: Covered, proved: bool) -> str:
    if item.missing:
        return f"{item.name} {' or '.join(item.missing)}"
    left = f"{item.total - item.reached:,} of {item.total:,} {item.kind} of {item.name}"
    return f"{left} (values proved identical)" if proved else left


def _few(parts: Sequence[str]) -> str:
    more = f"; {len(parts) - _MOST_NAMED} more (--json lists all)" if len(parts) > _MOST_NAMED else ""
    return "; ".join(parts[:_MOST_NAMED]) + more
