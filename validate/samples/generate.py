"""Generates samples from a signature: seeded, repeatable, of several kinds, at several batch sizes."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ParityGateError
from .axes import Layout, is_table, layouts
from .domain import Domain, domain_of, numpy_dtype
from .draw import draw
from .edge_lengths import MOST_EDGES, EdgeLength, edge_lengths
from .types import Sample, SampleKind, Samples

if TYPE_CHECKING:
    from ..signature import Feed, Hint, Signature

THRESHOLD_ROWS = 1021
"""Rows of a table at a model's thresholds: many, because a wrong branch shows only in the rows that reach it."""

_MAX_ELEMENTS = 1 << 20


def generate_samples(
    signature: Signature,
    hints: Sequence[Hint] = (),
    *,
    seed: int = 0,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    count: int = 1,
    batch_sizes: tuple[int, ...] | None = None,
) -> Samples:
    """Generate feeds for ``signature``; ``hints`` bound the values by input name, and ``ranges`` override them.

    The first kind of values is generated ``count`` times at every batch size, the others once. ``batch_sizes`` None
    chooses two sizes that no other axis has: 1 and 3 or so, 1 and 131 for tables. Optional samples at unusual lengths
    of each dynamic axis follow (:mod:`.edge_lengths`). The values of an input depend on the seed, its name and the kind
    of sample, not on the other inputs.

    Raises ParityGateError PG201 (a seed or range that can't be used), PG204 (a dtype that samples can't hold),
    PG206 (an input of unknown rank).
    """
    ranges = ranges or {}
    _check(signature, seed, ranges)
    by_name = {hint.name: hint for hint in hints}
    domains = {spec.name: domain_of(spec, by_name.get(spec.name), ranges.get(spec.name)) for spec in signature.inputs}
    places = layouts(signature, batch_sizes, _listed(domains))
    items = tuple(
        Sample(
            _label(kind, layout, place, turn),
            feed_of(signature, domains, kind, layout, (seed, place, turn)),
            kind,
            layout.batch,
        )
        for kind, place, layout, turn in _plan(signature, domains, places, count, batch_sizes is None)
    )
    unusual = list(edge_lengths(signature, places, batch=batch_sizes is None))
    items += tuple(
        _at_edge(edge, feed_of(signature, domains, SampleKind.LENGTHS, edge.layout, (seed, number, 0)))
        for number, edge in enumerate(unusual[:MOST_EDGES])
    )
    return Samples(items, f"generated with seed {seed}", seed, (*_notes(signature, domains), *_untried(unusual)))


def _check(signature: Signature, seed: int, ranges: Mapping[str, tuple[float, float]]) -> None:
    if seed < 0:
        raise ParityGateError("PG201", f"seed {seed}", "it must be 0 or greater")
    names = [spec.name for spec in signature.inputs]
    for name in ranges:
        if name not in names:
            raise ParityGateError(
                "PG201", f"the range of '{name}'", "the model has no such input", f"Its inputs: {', '.join(names)}"
            )


def _plan(
    signature: Signature, domains: Mapping[str, Domain], places: Sequence[Layout], count: int, free: bool
) -> Iterator[tuple[SampleKind, int, Layout, int]]:
    """(kind, number of the layout, layout, turn): the first kind at every layout, the others where rows cost least."""
    first, *others = _kinds(signature, domains)
    for (place, layout), turn in itertools.product(enumerate(places), range(count)):
        yield first, place, layout, turn
    table = is_table(signature, _listed(domains)) and not signature.layouts
    main = len(places) - 1 if table else 0
    for kind in others:
        tall = table and free and kind is SampleKind.THRESHOLDS
        yield kind, main, _taller(places[main]) if tall else places[main], 0


def _kinds(signature: Signature, domains: Mapping[str, Domain]) -> list[SampleKind]:
    dtypes = {numpy_dtype(spec).kind for spec in signature.inputs if domains[spec.name].vocabulary is None}
    if dtypes & {"f", "c"}:
        extremes = (SampleKind.ZEROS, SampleKind.LARGE, SampleKind.TINY)
        kinds = [SampleKind.NORMAL, SampleKind.UNIFORM, *_signs(signature, domains), *extremes]
    else:
        kinds = [SampleKind.RANDOM, *((SampleKind.ZEROS, SampleKind.LARGE) if dtypes else ())]
    flags = {
        SampleKind.THRESHOLDS: any(points.size for domain in domains.values() for points in domain.points),
        SampleKind.MISSING: any(domain.missing for domain in domains.values()),
        SampleKind.UNKNOWN: any(domain.unknown for domain in domains.values()),
    }
    return kinds + [kind for kind, wanted in flags.items() if wanted]


def _signs(signature: Signature, domains: Mapping[str, Domain]) -> Iterator[SampleKind]:
    """Kinds of one sign, where uniform values have both: a branch may depend on the sign of a sum."""
    usual = [domains[spec.name].usual for spec in signature.inputs if numpy_dtype(spec).kind in "fc"]
    if any(np.any(np.isfinite(low) & (low < 0) & (high > 0)) for low, high in usual):
        yield SampleKind.POSITIVE
    if any(np.any(low < 0) for low, _ in usual):
        yield SampleKind.NEGATIVE


def _listed(domains: Mapping[str, Domain]) -> frozenset[str]:
    """The inputs whose values the model names, by a vocabulary, or for each feature."""
    return frozenset(
        name
        for name, domain in domains.items()
        if domain.vocabulary is not None or domain.categories or domain.points or np.ndim(domain.low)
    )


def _taller(layout: Layout) -> Layout:
    width = sum(math.prod(shape[1:]) for shape in layout.shapes.values())
    rows = max(layout.batch or 1, min(THRESHOLD_ROWS, _MAX_ELEMENTS // width))
    return replace(layout, batch=rows, shapes={name: (rows, *shape[1:]) for name, shape in layout.shapes.items()})


def _label(kind: SampleKind, layout: Layout, place: int, turn: int) -> str:
    """Distinct for every sample: a report names a sample by its label."""
    other = f", other lengths {place}" if place else ""
    size = other if layout.batch is None else f", batch {layout.batch}"
    return f"{kind}{size}" + (f", again {turn}" if turn else "")


def feed_of(
    signature: Signature, domains: Mapping[str, Domain], kind: SampleKind, layout: Layout, key: tuple[int, int, int]
) -> Feed:
    """An array of values of ``kind`` for every input; ``key`` is the seed and what tells samples of a kind apart."""
    return {
        spec.name: draw(
            kind, numpy_dtype(spec), domains[spec.name], layout.shapes[spec.name], stream(spec.name, kind, key)
        )
        for spec in signature.inputs
    }


def stream(name: str, kind: SampleKind, key: tuple[int, int, int]) -> np.random.Generator:
    """A separate random stream for every input of every sample, the same on every machine."""
    seed, *rest = key
    digest = hashlib.blake2b(f"{name}\0{kind}\0{rest}".encode(), digest_size=16).digest()
    words = np.frombuffer(digest, "<u4").tolist()
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *words])))


def _at_edge(edge: EdgeLength, feed: Feed) -> Sample:
    return Sample(f"lengths, {edge.axis} at {edge.length}", feed, SampleKind.LENGTHS, edge.layout.batch, optional=True)


def _untried(unusual: Sequence[EdgeLength]) -> list[str]:
    left = dict.fromkeys(edge.axis for edge in unusual[MOST_EDGES:])
    return [f"unusual lengths of these axes were not tried: {', '.join(left)}; too many are dynamic"] if left else []


def _notes(signature: Signature, domains: Mapping[str, Domain]) -> Iterator[str]:
    for spec in signature.inputs:
        if domains[spec.name].guessed:
            yield (
                f"the bounds of input '{spec.name}' ({spec.dtype}) are unknown, so its values are 0 and 1; "
                f"set other bounds with --range {spec.name}:LO:HI"
            )
