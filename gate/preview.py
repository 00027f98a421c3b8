"""What a gate would do, without doing it: no framework, numpy or onnx is imported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..validate.text import printable
from .cache.memory import Remembered
from .plan import Planned


@dataclass(frozen=True, slots=True)
class Preview:
    """One entry of a plan: ``seconds`` is what it took last, None if it never ran, ``cached`` that nothing is to do."""

    model: str
    target: str
    output: str
    cached: bool
    seconds: float | None = None


def preview(plan: Sequence[Planned], memory: Remembered | None) -> tuple[Preview, ...]:
    """Each entry, as the cache knows it; without a cache, all is to be done and nothing is known."""
    return tuple(_preview(entry, memory) for entry in plan)


def _preview(entry: Planned, memory: Remembered | None) -> Preview:
    cached = memory is not None and memory.knows(entry)
    seconds = memory.seconds(entry) if memory else None
    return Preview(entry.model, entry.target, str(entry.output), cached, seconds)


def preview_text(rows: Sequence[Preview], jobs: int) -> str:
    """A line for each entry, and what is expected of all."""
    return "\n".join((*map(_row, rows), _expected(rows, jobs)))


def _row(row: Preview) -> str:
    seconds = "" if row.seconds is None or row.cached else f"  about {row.seconds:.1f} s"
    return printable(f"{'cached' if row.cached else 'to do':<8} {row.model} -> {row.output}{seconds}")


def _expected(rows: Sequence[Preview], jobs: int) -> str:
    """The whole cost, as far as it is known: what runs at once shares it."""
    todo = [row for row in rows if not row.cached]
    known = [row.seconds for row in todo if row.seconds is not None]
    said = f"{len(rows)} {'entry' if len(rows) == 1 else 'entries'}, {len(rows) - len(todo)} cached, {len(todo)} to do"
    if not known:
        return said
    unknown = f", and {len(todo) - len(known)} that never ran" if len(known) < len(todo) else ""
    return f"{said}; about {sum(known) / min(jobs, len(todo)):.0f} s with {jobs} at once{unknown}"
