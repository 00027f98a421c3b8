"""From a candidate's wrong output back to the first tensor whose error rounding doesn't explain."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from .graph import Segment, floating_tensors, segment
from .instrumented import InstrumentedRun
from .layer_matching import Match, MatchedBy, match_layers
from .layers import Layer, rearrange
from .tensor_comparison import TensorComparison, compare_tensors

if TYPE_CHECKING:
    import onnx

    from ..signature import Array

_HELPED = 0.95
"""The share of an output's error that may at most be left once a wrong tensor has the reference's value. A tensor that
never was the layer's (batch normalisation folded into a convolution) makes it worse instead."""

_TRIED = 8


@dataclass(frozen=True, slots=True)
class FailingPart:
    """The smallest part of the graph that fails from correct values.

    ``fed`` are the reference's values for the tensors that the part takes, ``alone`` is its result from these.
    """

    segment: Segment
    fed: Mapping[str, Array]
    alone: TensorComparison


@dataclass(frozen=True, slots=True)
class Located:
    """The first wrong tensor.

    ``first`` is the part of the graph between it and the correct tensors before it. Where that part is correct by
    itself, ``starts_here`` is False and ``failing`` reaches further back. ``agreeing`` are all correct tensors with
    their layers. ``compared`` are all tensors that were compared, in graph order, with their layers' names.
    """

    match: Match
    comparison: TensorComparison
    first: Segment
    failing: FailingPart
    agreeing: Mapping[str, Layer]
    compared: Mapping[str, tuple[Match, TensorComparison]] = field(default_factory=dict)

    @property
    def starts_here(self) -> bool:
        """Whether the error is made here: from correct values a wrong one is computed."""
        return self.failing.segment == self.first and not self.failing.alone.passes


@dataclass(frozen=True, slots=True)
class _Compared:
    """The compared tensors of one run; ``wrong`` are outputs that rounding doesn't explain, ``right`` what it does."""

    run: InstrumentedRun
    graph: onnx.GraphProto
    matches: Mapping[str, Match]
    comparisons: Mapping[str, TensorComparison]
    wrong: tuple[str, ...]
    right: frozenset[str]
    deadline: float

    def as_fed(self, name: str) -> Array:
        """The reference's value in the candidate's dtype."""
        comparison = self.comparisons[name]
        return np.ascontiguousarray(comparison.expected.astype(comparison.actual.dtype))


def locate(
    runs: Sequence[InstrumentedRun], layers: Sequence[Layer], outputs: Sequence[Layer], seconds: float
) -> Located | None:
    """The first wrong tensor; None where rounding explains every output.

    ``runs`` run the candidate on one sample each, and ``layers`` hold the reference's values on the same samples.
    ``outputs`` are layers, too, with the names of the candidate's outputs that they are bound to. The first sample is
    compared, the others only help to match tensors with layers. ``seconds`` limits the measuring of noise and the
    attempts to narrow the place down.
    """
    start = time.monotonic()
    model = runs[0].graph()
    matches = _match(model, runs, layers, outputs)
    expected = {name: match.expected[0] for name, match in matches.items()}
    comparisons = compare_tensors(runs[0], expected, seconds / 2)
    wrong = tuple(layer.name for layer in outputs if layer.name in comparisons and not comparisons[layer.name].passes)
    right = frozenset(name for name, each in comparisons.items() if each.passes)
    if not wrong:
        return None
    compared = _Compared(runs[0], model.graph, matches, comparisons, wrong, right, start + seconds)
    return _located(compared, _first_wrong(compared))


def _match(
    model: onnx.ModelProto, runs: Sequence[InstrumentedRun], layers: Sequence[Layer], outputs: Sequence[Layer]
) -> dict[str, Match]:
    """The match of every tensor that has one; outputs match the outputs that they are bound to."""
    names = [*floating_tensors(model), *(layer.name for layer in outputs)]
    values = [run.read(list(dict.fromkeys(names))) for run in runs]
    floating = [{name: array for name, array in value.items() if array.dtype.kind == "f"} for value in values]
    matches = {match.tensor: match for match in match_layers(model.graph, floating, layers)}
    return matches | {match.tensor: _with_layer(match, matches.get(match.tensor)) for match in _bound(values, outputs)}


def _bound(values: Sequence[Mapping[str, Array]], outputs: Sequence[Layer]) -> list[Match]:
    found = []
    for layer in outputs:
        rearranged = [
            rearrange(value, range(value.ndim), tensors[layer.name].shape)
            for value, tensors in zip(layer.values, values, strict=True)
        ]
        expected = tuple(array for array in rearranged if array is not None)
        if len(expected) == len(rearranged):
            found.append(Match(layer.name, layer, MatchedBy.OUTPUT, expected, 0.0))
    return found


def _with_layer(output: Match, found: Match | None) -> Match:
    """An output's values with the layer that computes them, if one was found."""
    return output if found is None else replace(found, expected=output.expected)


def _first_wrong(compared: _Compared) -> str:
    """Of the wrong tensors between the correct ones and a wrong output, the first that explains that output."""
    region = segment(compared.graph, compared.wrong, compared.right)
    made: list[str] = [name for node in region.nodes for name in node.output if name in compared.comparisons]
    suspects = [name for name in made if name not in compared.right and name not in compared.wrong]
    for name in suspects[:_TRIED]:
        if time.monotonic() > compared.deadline or _helps(compared, name):
            return name
    return next(name for name in made if name in compared.wrong)


def _helps(compared: _Compared, name: str) -> bool:
    """Whether the wrong outputs come nearer to the reference's once this tensor has the reference's value."""
    repaired = compared.run.read(compared.wrong, {name: compared.as_fed(name)})
    comparisons = {output: compared.comparisons[output] for output in compared.wrong}
    before = sum(_size(comparison) for comparison in comparisons.values())
    after = sum(_size(comparison.with_actual(repaired[output])) for output, comparison in comparisons.items())
    return after <= _HELPED * before


def _size(comparison: TensorComparison) -> float:
    return float(np.linalg.norm(np.nan_to_num(comparison.error, posinf=3.4e38)))


def _located(compared: _Compared, name: str) -> Located:
    first = segment(compared.graph, [name], compared.right - {name})
    agreeing = {tensor: compared.matches[tensor].layer for tensor in compared.right}
    failing = _failing_part(compared, name, first)
    made = (tensor for node in compared.graph.node for tensor in node.output if tensor in compared.comparisons)
    in_order = {tensor: (compared.matches[tensor], compared.comparisons[tensor]) for tensor in made}
    return Located(compared.matches[name], compared.comparisons[name], first, failing, agreeing, in_order)


def _failing_part(compared: _Compared, name: str, part: Segment) -> FailingPart:
    """The part itself; while its result is correct, the part that begins one step of correct tensors earlier."""
    right = set(compared.right) - {name}
    while True:
        fed = {each: compared.as_fed(each) for each in part.taken if each in right}
        alone = compared.comparisons[name].with_actual(compared.run.read([name], fed)[name])
        if not alone.passes or not fed or time.monotonic() > compared.deadline:
            return FailingPart(part, fed, alone)
        right -= set(fed)
        part = segment(compared.graph, [name], right)
