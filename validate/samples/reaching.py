"""Samples that aim at what ordinary ones leave out: rows of tables, positions, great batches, masks, NaN.

How many there are is fixed by the model and never by the clock: all together they cost about as much as the ordinary
samples of a small model, so that a large model gets fewer of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from .axes import Layout, batch_symbols, bounds_of, bounds_of_batch, is_table, layouts, shapes_at, symbols_of
from .domain import Domain, domain_of, numpy_dtype
from .edge_lengths import is_tried
from .generate import feed_of, stream
from .types import Sample, SampleKind

if TYPE_CHECKING:
    from ..signature import Array, Feed, Hint, Signature, TensorSpec

GREAT_BATCH, GREATEST_BATCH = 137, 1031
"""Rows of the great batch of a model, and of a cheap one: primes beyond the 131 and 1,024 that code may be made for."""

_SHARE_OF_BATCH = 2
"""The greatest batch may take half of what all these samples may cost."""

_WORK = 5e9
"""Products of a parameter and a position that these samples may cost: a tenth of a second for one run or so."""

_MOST_CELLS = 1 << 18
_MOST_ELEMENTS = 1 << 20
_SWEPT_LENGTH = 64
_LONGEST = 1024
_MOST_SAMPLES = 16


@dataclass(frozen=True, slots=True)
class Reach:
    """What these samples may cost: ``parameters`` is the size of the model, None where it isn't known.

    ``single_rows`` says that the candidate takes one row at a time, so that great batches test nothing and cost much.
    """

    parameters: int | None = None
    single_rows: bool = False

    @property
    def cells(self) -> int:
        """How many positions (tokens, rows, places of an image) all these samples may have together."""
        most = _MOST_CELLS // 16 if self.single_rows else _MOST_CELLS
        return int(min(most, _WORK // max(self.parameters or 1, 1)))

    def without_tables(self, hints: Sequence[Hint]) -> Reach:
        """The same for a model whose tables are known: a lookup costs nothing, however large its table is."""
        return replace(self, parameters=(self.parameters or 0) - sum(hint.table for hint in hints))


def reaching_samples(
    signature: Signature,
    hints: Sequence[Hint],
    reach: Reach,
    *,
    seed: int = 0,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    batch_sizes: tuple[int, ...] | None = None,
) -> tuple[Sample, ...]:
    """Optional samples: the reference may refuse them. The parameters are those of :func:`.generate.generate_samples`.

    Raises what :func:`.generate.generate_samples` raises.
    """
    by_name = {hint.name: hint for hint in hints}
    given = ranges or {}
    domains = {spec.name: domain_of(spec, by_name.get(spec.name), given.get(spec.name)) for spec in signature.inputs}
    place = layouts(signature, batch_sizes)[0]
    maker = _Maker(signature, domains, place, seed, reach.without_tables(hints).cells)
    tables = [spec for spec in signature.inputs if _is_swept(spec, by_name.get(spec.name), domains[spec.name])]
    items = [*maker.longest(), *maker.masks()]
    if batch_sizes is None and not reach.single_rows:
        items += maker.great_batch()
    items += maker.sweeps(tables)  # last: they take all that is left
    if is_table(signature) and not tables:
        items += maker.special()
    return tuple(items)


def _is_swept(spec: TensorSpec, hint: Hint | None, domain: Domain) -> bool:
    """Whether the input holds rows of a table whose length the model tells."""
    bounded = hint is not None and hint.high is not None and domain.high.ndim == 0
    return bounded and spec.dtype.startswith(("int", "uint")) and domain.vocabulary is None and bool(spec.shape)


def cells_of(shape: Sequence[int], floating: bool) -> int:
    """The positions of an array: tokens, rows, or the places of an image or a sequence."""
    size = math.prod(shape)
    if not floating or len(shape) < 2:
        return size
    return size // max(1, shape[-1] if len(shape) < 4 else min(shape[1], shape[-1]))


@dataclass(slots=True)
class _Maker:
    """Makes the samples one after the other, as long as their cost allows."""

    signature: Signature
    domains: Mapping[str, Domain]
    place: Layout
    seed: int
    cells: int

    def sweeps(self, tables: Sequence[TensorSpec]) -> Iterator[Sample]:
        """Every row of every table, or as many as may be, drawn by the seed; several tables at once."""
        rows = max((int(self.domains[spec.name].high - self.domains[spec.name].low) + 1 for spec in tables), default=0)
        if not tables:
            return
        place = self._at(dict.fromkeys(self._free_symbols(tables), _SWEPT_LENGTH))
        each = min(math.prod(place.shapes[spec.name][1 if place.batch else 0 :]) for spec in tables)
        batch = max(1, min(math.ceil(rows / max(each, 1)), self.cells // max(each, 1))) if place.batch else 1
        place = self._with_batch(place, batch)
        each *= batch
        for number in range(min(_MOST_SAMPLES, math.ceil(rows / max(each, 1)))):
            if not self._afford(place):
                return
            swept = {spec.name: self._ids(spec, place, number * each) for spec in tables}
            label = f"rows of {', '.join(swept)}" + (f", part {number}" if number else "")
            yield self._sample(label, SampleKind.ROWS, place, swept, number)

    def _ids(self, spec: TensorSpec, place: Layout, start: int) -> Array:
        """The rows of a table from ``start`` on in an order that the seed draws, from its beginning after its end."""
        domain, shape = self.domains[spec.name], place.shapes[spec.name]
        low, high = int(domain.low), int(domain.high)
        order = stream(spec.name, SampleKind.ROWS, (self.seed, 0, 0)).permutation(high - low + 1)
        ids = low + order[(start + np.arange(math.prod(shape))) % order.size]
        return np.asarray(ids.reshape(shape), numpy_dtype(spec))

    def _free_symbols(self, tables: Sequence[TensorSpec]) -> list[str]:
        """The axes of these inputs that may have any length, but for the batch."""
        dims = {dim for spec in tables for dim in spec.shape or () if isinstance(dim, str)}
        return [s for s in symbols_of(self.signature) if s in dims and s not in batch_symbols(self.signature)]

    def longest(self) -> Iterator[Sample]:
        """Each axis at the greatest length that the model allows, where :mod:`.edge_lengths` finds that too far."""
        for symbol in self.place.lengths:
            if symbol in batch_symbols(self.signature):
                continue
            high = bounds_of(self.signature, symbol)[1]
            if self.place.lengths[symbol] < high <= _LONGEST and not is_tried(int(high), [self.place.lengths[symbol]]):
                place = self._at({symbol: int(high)})
                if self._afford(place):
                    yield self._sample(f"lengths, {symbol} at {int(high)}", SampleKind.LENGTHS, place, {}, int(high))

    def great_batch(self) -> Iterator[Sample]:
        """One batch beyond the sizes that code may be made for: the greatest one that the model's cost allows."""
        for size, most in ((GREATEST_BATCH, self.cells // _SHARE_OF_BATCH), (GREAT_BATCH, self.cells)):
            place = self._with_batch(self.place, size)
            elements = sum(math.prod(shape) for shape in place.shapes.values())
            fits = place.batch is not None and place.batch <= bounds_of_batch(self.signature)[1]
            if fits and elements <= _MOST_ELEMENTS and self._needed(place) <= most and self._afford(place):
                yield self._sample(f"batch of {place.batch}", SampleKind.BATCH, place, {}, 0)
                return

    def masks(self) -> Iterator[Sample]:
        """Masks of every state, each in rows of its own: all, the end, the last position; and none at all."""
        names = [name for name, domain in self.domains.items() if domain.mask]
        for number, (label, fill) in enumerate(_MASKS.items() if names else ()):
            masks = {name: fill(np.zeros(self.place.shapes[name], self._dtype(name))) for name in names}
            yield self._sample(f"masks with {label}", SampleKind.MASKS, self.place, masks, number)

    def special(self) -> Iterator[Sample]:
        """NaN, and infinity, in one feature of each row: for tables, whose rows may lack a value."""
        for number, (label, value) in enumerate((("NaN", np.nan), ("infinity", np.inf))):
            width = max(math.prod(shape[1:]) for shape in self.place.shapes.values())
            place = self._with_batch(self.place, min(width, GREAT_BATCH))
            sample = self._sample(f"{label} in each feature", SampleKind.SPECIAL, place, {}, number)
            changed = {name: _with_special(array, value) for name, array in sample.feed.items()}
            if any(array.dtype.kind == "f" for array in changed.values()):
                yield replace(sample, feed=changed)

    def _dtype(self, name: str) -> np.dtype[np.generic]:
        return next(numpy_dtype(spec) for spec in self.signature.inputs if spec.name == name)

    def _at(self, lengths: Mapping[str, int]) -> Layout:
        """The first layout with other lengths, as far as the model allows them."""
        if not self.place.lengths:
            return self.place
        fitting = {
            symbol: int(min(max(length, bounds_of(self.signature, symbol)[0]), bounds_of(self.signature, symbol)[1]))
            for symbol, length in lengths.items()
        }
        merged = {**self.place.lengths, **fitting}
        return Layout(self.place.batch, shapes_at(self.signature, merged), merged)

    def _with_batch(self, place: Layout, batch: int) -> Layout:
        """A layout with another batch; itself where no batch axis is free."""
        if place.batch is None or not place.lengths:
            return place
        lengths = {**place.lengths, **dict.fromkeys(batch_symbols(self.signature), batch)}
        return Layout(batch, shapes_at(self.signature, lengths), lengths)

    def _afford(self, place: Layout) -> bool:
        """Whether there are cells left for this layout, which are then taken."""
        needed = self._needed(place)
        if needed > self.cells:
            return False
        self.cells -= needed
        return True

    def _needed(self, place: Layout) -> int:
        """The cells of a layout."""
        floating = {spec.name: spec.dtype.startswith("float") for spec in self.signature.inputs}
        return max((cells_of(shape, floating[name]) for name, shape in place.shapes.items()), default=1)

    def _sample(self, label: str, kind: SampleKind, place: Layout, fixed: Feed, number: int) -> Sample:
        feed = feed_of(self.signature, self.domains, kind, place, (self.seed, number, 0))
        return Sample(label, {**feed, **fixed}, kind, place.batch, optional=True)


def _none(mask: Array) -> Array:
    return mask


def _all(mask: Array) -> Array:
    mask[...] = 1
    return mask


def _end(mask: Array) -> Array:
    mask[..., mask.shape[-1] // 2 :] = 1
    return mask


def _last(mask: Array) -> Array:
    mask[..., -1:] = 1
    return mask


_MASKS: Mapping[str, Callable[[Array], Array]] = {
    "every position": _all,
    "the end alone": _end,
    "the last position": _last,
    "no position": _none,
}
"""State -> how it is filled into zeros."""


def _with_special(array: Array, value: float) -> Array:
    """``array`` with ``value`` in one feature of each row, another one in the next row."""
    if array.dtype.kind != "f" or not array.ndim:
        return array
    changed = array.copy()
    rows = changed.reshape(len(changed), -1)
    numbers = np.arange(len(rows))
    rows[numbers, numbers % rows.shape[1]] = value
    return changed
