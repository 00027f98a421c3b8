"""The search itself: from a candidate's wrong output back to the first tensor that rounding doesn't explain."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from .graph import Segment, floating, segment
from .judged import Judged, again, judge_tensors
from .layers import Layer, arranged
from .match import AS_OUTPUT, Pair, match
from .probe import Probe

if TYPE_CHECKING:
    import onnx

    from ..signature import Array

_HELPED = 0.95
"""The share of an output's error that may at most be left once a wrong tensor is put right. A tensor that was never
the layer's (batch normalisation folded into a convolution) makes it worse instead."""

_TRIED = 8


@dataclass(frozen=True, slots=True)
class Failing:
    """The smallest part of the graph that fails from right values: ``held`` are the reference's at its borders,
    ``alone`` is what it makes of them.
    """

    part: Segment
    held: Mapping[str, Array]
    alone: Judged


@dataclass(frozen=True, slots=True)
class Found:
    """The first wrong tensor. ``first`` is the part of the graph between it and the right tensors before it;
    ``starts_here`` is False where that part is right by itself, and ``failing`` therefore reaches further back.
    ``agreeing`` are all right tensors with their layers.
    """

    pair: Pair
    judged: Judged
    first: Segment
    failing: Failing
    agreeing: Mapping[str, Layer]

    @property
    def starts_here(self) -> bool:
        """Whether the error is made here: right values go in, and a wrong one comes out."""
        return self.failing.part == self.first and not self.failing.alone.good


@dataclass(frozen=True, slots=True)
class _Search:
    """What all steps share. ``wrong`` are the outputs that rounding doesn't explain, ``right`` the tensors it does."""

    probe: Probe
    graph: onnx.GraphProto
    pairs: Mapping[str, Pair]
    judged: Mapping[str, Judged]
    wrong: tuple[str, ...]
    right: frozenset[str]
    deadline: float


def locate(probes: Sequence[Probe], layers: Sequence[Layer], outputs: Sequence[Layer], seconds: float) -> Found | None:
    """The first wrong tensor; None where rounding explains every output.

    ``probes`` run the candidate on one sample each, and ``layers`` hold the reference's values on the same samples.
    ``outputs`` are layers too, called like the candidate's outputs that they belong to. The first sample is the
    one that is judged, the others only confirm which tensor is which layer. ``seconds`` bounds the measuring of noise
    and the attempts to narrow the place down.
    """
    start = time.monotonic()
    model = probes[0].graph()
    names = [*floating(model), *(layer.name for layer in outputs)]
    values = [probe.read(list(dict.fromkeys(names))) for probe in probes]
    numbers = [{name: array for name, array in value.items() if array.dtype.kind == "f"} for value in values]
    found = match(model.graph, numbers, layers)
    pairs = {pair.tensor: pair for pair in found}
    pairs |= {pair.tensor: _known(pair, pairs.get(pair.tensor)) for pair in _as_outputs(values, outputs)}
    wants = {name: pair.want[0] for name, pair in pairs.items()}
    judged = judge_tensors(probes[0], wants, seconds / 2)
    wrong = tuple(layer.name for layer in outputs if layer.name in judged and not judged[layer.name].good)
    right = frozenset(name for name, each in judged.items() if each.good)
    if not wrong:
        return None
    search = _Search(probes[0], model.graph, pairs, judged, wrong, right, start + seconds)
    return _described(search, _first_wrong(search))


def _as_outputs(values: Sequence[Mapping[str, Array]], outputs: Sequence[Layer]) -> list[Pair]:
    pairs = []
    for layer in outputs:
        wants = [
            arranged(want, range(want.ndim), got[layer.name].shape)
            for want, got in zip(layer.values, values, strict=True)
        ]
        if all(want is not None for want in wants):
            pairs.append(Pair(layer.name, layer, AS_OUTPUT, tuple(want for want in wants if want is not None), 0.0))
    return pairs


def _known(output: Pair, found: Pair | None) -> Pair:
    """An output's values with the layer that gives them, if one was found."""
    return output if found is None else replace(found, want=output.want)


def _first_wrong(search: _Search) -> str:
    """Of the wrong tensors that lead to a wrong output past every right one, the first that explains it."""
    region = segment(search.graph, search.wrong, search.right)
    made: list[str] = [name for node in region.nodes for name in node.output if name in search.judged]
    suspects = [name for name in made if name not in search.right and name not in search.wrong]
    for name in suspects[:_TRIED]:
        if time.monotonic() > search.deadline or _helps(search, name):
            return name
    return next(name for name in made if name in search.wrong)


def _helps(search: _Search, name: str) -> bool:
    """Whether the wrong outputs come nearer to the reference's once this tensor holds the reference's value."""
    given = {name: _as_held(search, name)}
    repaired = search.probe.read(search.wrong, given)
    before = sum(_size(search.judged[output]) for output in search.wrong)
    after = sum(_size(again(search.judged[output], repaired[output])) for output in search.wrong)
    return after <= _HELPED * before


def _size(judged: Judged) -> float:
    return float(np.linalg.norm(np.nan_to_num(judged.error, posinf=3.4e38)))


def _described(search: _Search, name: str) -> Found:
    first = segment(search.graph, [name], search.right - {name})
    agreeing = {tensor: search.pairs[tensor].layer for tensor in search.right}
    return Found(search.pairs[name], search.judged[name], first, _failing(search, name, first), agreeing)


def _failing(search: _Search, name: str, part: Segment) -> Failing:
    """The part itself, or, as long as it answers right, the one that begins one step of right tensors earlier."""
    right = set(search.right) - {name}
    while True:
        held = {each: _as_held(search, each) for each in part.taken if each in right}
        alone = again(search.judged[name], search.probe.read([name], held)[name])
        if not alone.good or not held or time.monotonic() > search.deadline:
            return Failing(part, held, alone)
        right -= set(held)
        part = segment(search.graph, [name], right)


def _as_held(search: _Search, name: str) -> Array:
    """The reference's value in the candidate's dtype."""
    judged = search.judged[name]
    return np.ascontiguousarray(judged.want.astype(judged.got.dtype))
