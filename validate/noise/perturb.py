"""Monte Carlo arithmetic on an ONNX graph: floating results get the random relative errors that rounding may give.

D. S. Parker, Monte Carlo Arithmetic: exploiting randomness in floating-point arithmetic (1997); Verificarlo
(arXiv 1509.01347) does so to compiled programs. Here nodes are added to the graph, so that any runtime that can run the
model can run it perturbed. The errors are an input of the graph: ONNX Runtime has no random operators of today's opset.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ..onnx_graphs import all_graphs, inline_functions, subgraphs
from .jumps import behind_jumps, read_by_jumps
from .operators import ABSOLUTE, EXACT, RECURRENT, SUMS, TREES, UNITS, of_operand, of_result
from .terms import terms_of
from .types import AS_TYPED, FLOATS, Precision, Tensors, depending, tensors_of

if TYPE_CHECKING:
    from ..signature import Array

OLDEST_OPSET = 11
"""Before it Slice, Round and Equal were others."""

_FLOAT, _DOUBLE = onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE
_PREFIX = "paritygate.noise/"
_STRIDE = 7919  # between the iterations of a loop: a prime, so that they seldom meet again
_WEIGHTS = 3  # operands of a recurrent layer: the sequence, and two weights


@dataclass(frozen=True, slots=True)
class Perturbed:
    """``unit`` is the unit roundoff of the coarsest type that was perturbed, ``jumping`` are outputs behind a jump.

    ``pools`` are the further inputs that hold errors: their types and greatest size, see :class:`Pools`.
    """

    model: onnx.ModelProto
    unit: float
    jumping: frozenset[str]
    pools: Mapping[str, tuple[int, float]]


def perturbed(model: onnx.ModelProto, pool: int, precision: Precision = AS_TYPED, seed: int = 0) -> Perturbed | None:
    """The model with errors; None where there is nothing to perturb, or the opset is older than 11.

    The errors of tensors with up to ``pool`` / 2 elements are taken from a pool of that length; a larger tensor makes
    the run fail.
    """
    model = inline_functions(model)
    if _opset(model) < OLDEST_OPSET:
        return None
    work = _Work(tensors_of(model), pool, np.random.default_rng(seed), precision)
    dependent = depending(model.graph)
    jumping = behind_jumps(model.graph, dependent)
    _rewrite(model.graph, work, dependent)
    if not work.units:
        return None
    if precision.narrowed.inputs:
        _round_inputs(model.graph, work)
    model.graph.input.extend(
        helper.make_tensor_value_info(name, kind, [pool]) for name, (kind, _) in work.pools.items()
    )
    model.graph.initializer.extend(work.constants)
    return Perturbed(model, max(work.units), frozenset(jumping), work.pools)


class Pools:
    """The further inputs of a perturbed model: from run to run another part of numbers that are drawn once."""

    def __init__(self, about: Perturbed, size: int, random: np.random.Generator) -> None:
        self._size, self._random = size, random
        self._drawn = {name: _drawn(kind, bound, 2 * size, random) for name, (kind, bound) in about.pools.items()}

    def __call__(self) -> dict[str, Array]:
        """What one run is fed beside its sample."""
        starts = self._random.integers(self._size, size=len(self._drawn)).tolist()
        return {
            name: numbers[start : start + self._size]
            for start, (name, numbers) in zip(starts, self._drawn.items(), strict=True)
        }


def _drawn(kind: int, bound: float, count: int, random: np.random.Generator) -> Array:
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    numbers: Array = (2 * random.random(count, dtype) - 1) * np.asarray(bound, dtype)
    return numbers


@dataclass(slots=True)
class _Work:
    """What is collected on the way: nodes that draw, constants, the unit roundoffs met."""

    tensors: Tensors
    pool: int
    random: np.random.Generator
    precision: Precision
    pools: dict[str, tuple[int, float]] = field(default_factory=dict)
    constants: list[onnx.TensorProto] = field(default_factory=list)
    units: set[float] = field(default_factory=set)
    known: dict[Any, str] = field(default_factory=dict)
    count: int = 0

    def name(self, kind: str) -> str:
        self.count += 1
        return f"{_PREFIX}{kind}{self.count}"

    def constant(self, value: Any, dtype: Any) -> str:
        """The initializer with this value, made once."""
        key = (str(np.dtype(dtype)), str(value))
        if key not in self.known:
            self.known[key] = self.name("constant")
            self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), self.known[key]))
        return self.known[key]

    def size(self, kind: int, units: float) -> float:
        """The greatest relative error of so many units; rounded to a power of two, so that few pools are drawn."""
        unit = self.unit(kind)
        self.units.add(unit)
        return unit * 2.0 ** round(math.log2(units))

    def unit(self, kind: int) -> float:
        """The unit roundoff that a type errs by."""
        return min(max(FLOATS[kind], self.precision.finest), self.precision.coarsest)

    def errors(self, kind: int, size: float) -> str:
        """The graph's input of errors between ``-size`` and ``size``, one per type and size."""
        name = f"{_PREFIX}{helper.tensor_dtype_to_string(kind)}/{size}"
        self.pools[name] = kind, size
        return name


def _rewrite(graph: onnx.GraphProto, work: _Work, dependent: set[str], counter: str = "") -> None:
    """Perturb the graph's nodes, and those of its bodies, in place."""
    site = _Site(work, frozenset(read_by_jumps(graph)), counter)
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        for body in subgraphs(node):
            _rewrite(body, work, depending(body, dependent), body.input[0].name if node.op_type == "Loop" else counter)
        nodes += _with_errors(node, site, dependent)
    del graph.node[:]
    graph.node.extend(nodes)


@dataclass(frozen=True, slots=True)
class _Site:
    """A graph that gets errors: ``whole`` are tensors whose whole numbers stay, ``counter`` is a loop's iteration."""

    work: _Work
    whole: frozenset[str]
    counter: str

    def add(self, name: str, result: str, kind: int, size: float, *, whole: bool) -> list[onnx.NodeProto]:
        """The nodes that make ``result`` of ``name``, with relative errors up to ``size``."""
        if kind in (_FLOAT, _DOUBLE):
            return self._add(name, result, kind, size, whole=whole)
        wide, moved = self.work.name("wide"), self.work.name("moved")
        return [
            helper.make_node("Cast", [name], [wide], to=_FLOAT),
            *self._add(wide, moved, _FLOAT, size, whole=whole),
            helper.make_node("Cast", [moved], [result], to=kind),
        ]

    def shift(self, name: str, result: str, kind: int, size: float) -> list[onnx.NodeProto]:
        """The nodes that make ``result`` of ``name``, with errors up to ``size`` whatever its values are."""
        draw, errors = self._draw(name, kind, size)
        return [*draw, helper.make_node("Add", [name, errors], [result])]

    def _add(self, name: str, result: str, kind: int, size: float, *, whole: bool) -> list[onnx.NodeProto]:
        draw, errors = self._draw(name, kind, size)
        change, finite, moved = (self.work.name(part) for part in ("change", "finite", "moved"))
        dtype = helper.tensor_dtype_to_np_dtype(kind)
        limits = [self.work.constant(limit, dtype) for limit in (np.finfo(dtype).min, np.finfo(dtype).max)]
        nodes = [
            *draw,
            helper.make_node("Mul", [name, errors], [change]),
            helper.make_node("Clip", [change, *limits], [finite]),  # an infinity stays one: it may be a mask
            helper.make_node("Add", [name, finite], [moved if whole else result]),
        ]
        return nodes + (self._keep_whole(name, moved, result) if whole else [])

    def _draw(self, name: str, kind: int, size: float) -> tuple[list[onnx.NodeProto], str]:
        """Errors of the tensor's own shape, from a place in the pool that no other tensor has."""
        work = self.work
        names = ("shape", "count", "flat", "last", "part", "errors")
        shape, count, flat, last, part, result = (work.name(kind) for kind in names)
        before, first = self._first()
        return [
            *before,
            helper.make_node("Shape", [name], [shape]),
            helper.make_node("Size", [name], [count]),
            helper.make_node("Reshape", [count, work.constant([1], np.int64)], [flat]),
            helper.make_node("Add", [flat, first], [last]),
            helper.make_node("Slice", [work.errors(kind, size), first, last], [part]),
            helper.make_node("Reshape", [part, shape], [result]),
        ], result

    def _first(self) -> tuple[list[onnx.NodeProto], str]:
        """Where in the pool the errors begin: in a loop's body another place in every iteration."""
        work, half = self.work, self.work.pool // 2
        start = work.constant([int(work.random.integers(half))], np.int64)
        if not self.counter:
            return [], start
        step, moved, first = (work.name(kind) for kind in ("step", "moved", "first"))
        return [
            helper.make_node("Mul", [self.counter, work.constant([_STRIDE], np.int64)], [step]),
            helper.make_node("Add", [step, start], [moved]),
            helper.make_node("Mod", [moved, work.constant([half], np.int64)], [first]),
        ], first

    def _keep_whole(self, name: str, moved: str, result: str) -> list[onnx.NodeProto]:
        rounded, equal = self.work.name("rounded"), self.work.name("equal")
        return [
            helper.make_node("Round", [name], [rounded]),
            helper.make_node("Equal", [name, rounded], [equal]),
            helper.make_node("Where", [equal, name, moved], [result]),
        ]


def _with_errors(node: onnx.NodeProto, site: _Site, dependent: set[str]) -> list[onnx.NodeProto]:
    """The node with errors on the operands that it adds up, and on its floating results."""
    if node.op_type == "Cast":
        return _narrowing(node, site, dependent)
    if node.op_type in EXACT or not dependent.intersection(node.output):
        return [node]
    units, terms = UNITS.get(node.op_type, 1.0), None
    before = _on_constants(node, site) if site.work.precision.narrowed.constants else []
    if node.op_type in SUMS:
        terms = terms_of(node, site.work.tensors)
        for place in _summed(node, site.work.tensors, dependent):
            before += _on_operand(node, place, site, units * of_operand(terms))
    absolute = ABSOLUTE.get(node.op_type, 0.0)
    after = _on_results(node, site, absolute, units * (of_result(terms) if terms else 1.0))
    return [*before, node, *after]


def _narrowing(node: onnx.NodeProto, site: _Site, dependent: set[str]) -> list[onnx.NodeProto]:
    """A cast to a coarser type rounds: errors of that type's size come before it, so that it lands on its numbers."""
    dtypes = site.work.tensors.dtypes
    target = dtypes.get(node.output[0], 0)
    source = FLOATS.get(dtypes.get(node.input[0], 0), 1.0)
    if FLOATS.get(target, 0.0) <= source or node.input[0] not in dependent:
        return [node]
    work = site.work
    return [*_on_operand(node, 0, site, work.unit(target) / work.unit(dtypes[node.input[0]])), node]


def _summed(node: onnx.NodeProto, tensors: Tensors, dependent: set[str]) -> list[int]:
    """The operands that get errors: the first that depends on the input; of recurrent layers their weights, too."""
    floating = [i for i, name in enumerate(node.input) if tensors.dtypes.get(name) in FLOATS]
    if node.op_type in TREES:
        return []
    if node.op_type in RECURRENT:
        return [place for place in floating if place < _WEIGHTS]
    return [place for place in floating if node.input[place] in dependent][:1]


def _on_operand(node: onnx.NodeProto, place: int, site: _Site, units: float) -> list[onnx.NodeProto]:
    given, name = node.input[place], site.work.name("operand")
    kind = site.work.tensors.dtypes[given]
    node.input[place] = name
    return site.add(given, name, kind, site.work.size(kind, units), whole=False)


def _round_inputs(graph: onnx.GraphProto, work: _Work) -> None:
    """Let all nodes read inputs with one error each in place of the inputs."""
    names = {
        value.name: work.name("input")
        for value in graph.input
        if work.tensors.dtypes.get(value.name) in (_FLOAT, _DOUBLE) and value.name not in work.tensors.fixed
    }
    for node in (node for inner in all_graphs(graph) for node in inner.node):
        node.input[:] = [names.get(name, name) for name in node.input]
    rest, site = list(graph.node), _Site(work, frozenset(), "")
    del graph.node[:]
    for given, name in names.items():
        kind = work.tensors.dtypes[given]
        graph.node.extend(site.add(given, name, kind, work.size(kind, 1.0), whole=True))
    graph.node.extend(rest)


def _on_constants(node: onnx.NodeProto, site: _Site) -> list[onnx.NodeProto]:
    """Constants were rounded once, whole numbers excepted."""
    nodes = []
    for place, given in enumerate(node.input):
        kind = site.work.tensors.dtypes.get(given, 0)
        if kind in (_FLOAT, _DOUBLE) and given in site.work.tensors.fixed:
            node.input[place] = name = site.work.name("constant")
            nodes += site.add(given, name, kind, site.work.size(kind, 1.0), whole=True)
    return nodes


def _on_results(node: onnx.NodeProto, site: _Site, absolute: float, units: float) -> list[onnx.NodeProto]:
    """Errors of ``units`` on each floating result, and of ``absolute`` units of 1."""
    nodes = []
    for place, result in enumerate(node.output):
        kind = site.work.tensors.dtypes.get(result, 0)
        if kind in FLOATS:
            node.output[place] = name = f"{result}/exact"
            if absolute and kind in (_FLOAT, _DOUBLE):
                name = f"{result}/shifted"
                nodes += site.shift(node.output[place], name, kind, site.work.size(kind, absolute))
            nodes += site.add(name, result, kind, site.work.size(kind, units), whole=result in site.whole)
    return nodes


def _opset(model: onnx.ModelProto) -> int:
    return next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0)
