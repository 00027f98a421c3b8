"""The ONNX nodes that add a random error to a tensor."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from .error_pools import ErrorPool
from .precision import ROUNDOFF, Precision
from .tensors import Tensors

WIDE = (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE)
"""The types in which errors are added; narrower tensors are cast to float32 and back."""

PREFIX = "paritygate.noise/"
"""How all names begin that are added to a graph."""

_EMPTY_ALLOWED = 14
"""Since this opset Reshape takes a shape with a 0 in it; older graphs draw their errors themselves."""

_AXES_AS_INPUT = 18
"""Since this opset the axes of ReduceMean are an input."""

_SCALARS_ALLOWED = 8
"""Since this opset Min and Max broadcast."""

_AS_FACTORS = 4.0
"""Units from which on an error can be a factor: the numbers around 1 are one and two units apart."""

_STRIDE = 7919  # between the iterations of a loop: a prime, so that two iterations seldom use the same errors


@dataclass(slots=True)
class Rewrite:
    """What is collected while a model is rewritten: its new inputs and constants, and the unit roundoffs in use.

    ``integers`` are the model's constants of one whole number.

    Graphs of old opsets draw their errors with an operator, which has had no kernel since opset 22; others get them as
    inputs.
    """

    tensors: Tensors
    pool_size: int
    random: np.random.Generator
    precision: Precision
    opset: int
    integers: Mapping[str, int]
    pools: dict[str, ErrorPool] = field(default_factory=dict)
    constants: list[onnx.TensorProto] = field(default_factory=list)
    roundoffs: set[float] = field(default_factory=set)
    _known: dict[tuple[str, str], str] = field(default_factory=dict)
    _count: int = 0

    def name(self, part: str) -> str:
        """A name that nothing else in the graph has."""
        self._count += 1
        return f"{PREFIX}{part}{self._count}"

    def constant(self, value: Any, dtype: Any) -> str:
        """The initializer with this value; made once."""
        key = (str(np.dtype(dtype)), str(value))
        if key not in self._known:
            self._known[key] = self.name("constant")
            self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), self._known[key]))
        return self._known[key]

    @property
    def draws_itself(self) -> bool:
        """Whether the opset is one of the old ones."""
        return self.opset < _EMPTY_ALLOWED

    def bound(self, onnx_type: int, units: float) -> float:
        """The greatest relative error of so many units; rounded to a power of two, to keep the number of pools low."""
        roundoff = self.precision.roundoff(onnx_type)
        self.roundoffs.add(roundoff)
        return roundoff * 2.0 ** round(math.log2(units))

    def errors(self, onnx_type: int, bound: float, centre: float) -> str:
        """The graph's input of errors of up to ``bound`` around ``centre``; one for each type, bound and centre."""
        name = f"{PREFIX}{helper.tensor_dtype_to_string(onnx_type)}/{bound}/{centre}"
        self.pools[name] = ErrorPool(onnx_type, bound, centre)
        return name


@dataclass(frozen=True, slots=True)
class ErrorNodes:
    """Builds the nodes for one graph.

    ``whole`` are tensors whose whole numbers must not change; ``counter`` is the iteration of the loop whose body the
    graph is, or empty.
    """

    rewrite: Rewrite
    whole: frozenset[str] = frozenset()
    counter: str = ""

    def relative(self, name: str, result: str, onnx_type: int, bound: float, *, whole: bool) -> list[onnx.NodeProto]:
        """The nodes that compute ``result`` from ``name``, with relative errors up to ``bound``."""
        if onnx_type in WIDE:
            return self._relative(name, result, onnx_type, bound, whole=whole)
        wide, moved = self.rewrite.name("wide"), self.rewrite.name("moved")
        return [
            helper.make_node("Cast", [name], [wide], to=onnx.TensorProto.FLOAT),
            *self._relative(wide, moved, onnx.TensorProto.FLOAT, bound, whole=whole),
            helper.make_node("Cast", [moved], [result], to=onnx_type),
        ]

    def absolute(self, name: str, result: str, onnx_type: int, bound: float) -> list[onnx.NodeProto]:
        """The nodes that compute ``result`` from ``name``, with errors up to ``bound`` whatever its values are."""
        draw, errors = self._draw(name, onnx_type, bound)
        return [*draw, helper.make_node("Add", [name, errors], [result])]

    def of_spectrum(
        self, name: str, result: str, onnx_type: int, bound: float, axes: Sequence[int]
    ) -> list[onnx.NodeProto]:
        """The nodes that compute ``result`` from ``name``, with errors up to ``bound`` times its root mean square."""
        squares, mean, size, change = (self.rewrite.name(part) for part in ("squares", "mean", "size", "change"))
        draw, errors = self._draw(name, onnx_type, bound)
        listed: dict[str, Any] = {"axes": list(axes)} if self.rewrite.opset < _AXES_AS_INPUT else {}
        given = [] if listed else [self.rewrite.constant(list(axes), np.int64)]
        return [
            *draw,
            helper.make_node("Mul", [name, name], [squares]),
            helper.make_node("ReduceMean", [squares, *given], [mean], **listed),
            helper.make_node("Sqrt", [mean], [size]),
            helper.make_node("Mul", [errors, size], [change]),
            helper.make_node("Add", [name, change], [result]),
        ]

    def _relative(self, name: str, result: str, onnx_type: int, bound: float, *, whole: bool) -> list[onnx.NodeProto]:
        if bound >= _AS_FACTORS * ROUNDOFF[onnx_type] and not self.rewrite.draws_itself:
            return self._multiplied(name, result, onnx_type, bound, whole=whole)
        draw, errors = self._draw(name, onnx_type, bound)
        change, finite, moved = (self.rewrite.name(part) for part in ("change", "finite", "moved"))
        nodes = [*draw, helper.make_node("Mul", [name, errors], [change]), *self._limited(change, finite, onnx_type)]
        if whole and self.rewrite.draws_itself:
            return nodes + self._add_to_fractions(name, finite, result, onnx_type)
        add = helper.make_node("Add", [name, finite], [moved if whole else result])
        return [*nodes, add, *(self._keep_whole(name, moved, result) if whole else [])]

    def _multiplied(self, name: str, result: str, onnx_type: int, bound: float, *, whole: bool) -> list[onnx.NodeProto]:
        """The same in one pass over the tensor, by factors around 1: their grid is fine enough for large errors."""
        draw, factors = self._draw(name, onnx_type, bound, centre=1.0)
        moved = self.rewrite.name("moved") if whole else result
        nodes = [*draw, helper.make_node("Mul", [name, factors], [moved])]
        return [*nodes, *(self._keep_whole(name, moved, result) if whole else [])]

    def _limited(self, change: str, finite: str, onnx_type: int) -> list[onnx.NodeProto]:
        """Infinity stays infinity: it may be a mask. Clip took no float64 before opset 12, Min no scalar before 8."""
        if self.rewrite.opset < _SCALARS_ALLOWED:
            wide = onnx_type == onnx.TensorProto.DOUBLE
            return [helper.make_node("Identity" if wide else "Clip", [change], [finite])]
        dtype = helper.tensor_dtype_to_np_dtype(onnx_type)
        low, high = (self.rewrite.constant(limit, dtype) for limit in (np.finfo(dtype).min, np.finfo(dtype).max))
        if not self.rewrite.draws_itself:
            return [helper.make_node("Clip", [change, low, high], [finite])]
        below = self.rewrite.name("below")
        return [helper.make_node("Min", [change, high], [below]), helper.make_node("Max", [below, low], [finite])]

    def _draw(self, name: str, onnx_type: int, bound: float, centre: float = 0.0) -> tuple[list[onnx.NodeProto], str]:
        """Errors in the shape of the tensor, from a place in the pool that no other tensor uses."""
        rewrite = self.rewrite
        names = ("shape", "count", "flat", "drawn", "errors")
        shape, count, flat, drawn, result = (rewrite.name(kind) for kind in names)
        if rewrite.draws_itself:
            seed = float(rewrite.random.integers(1, 1 << 24))
            ends: dict[str, Any] = {"low": -bound, "high": bound, "seed": seed}
            return [helper.make_node("RandomUniformLike", [name], [result], dtype=onnx_type, **ends)], result
        return [
            helper.make_node("Shape", [name], [shape]),
            helper.make_node("Size", [name], [count]),
            helper.make_node("Reshape", [count, rewrite.constant([1], np.int64)], [flat]),
            *self._numbers(flat, drawn, rewrite.errors(onnx_type, bound, centre)),
            helper.make_node("Reshape", [drawn, shape], [result], name=result, allowzero=1),
        ], result

    def _numbers(self, count: str, result: str, pool: str) -> list[onnx.NodeProto]:
        """``count`` errors in a row: a part of the pool, which a tensor that is longer than that repeats.

        The part's greatest length is a prime, so that no axis of a usual length meets the same errors again in step.
        """
        rewrite, one, zero = self.rewrite, self.rewrite.constant([1], np.int64), self.rewrite.constant([0], np.int64)
        longest = rewrite.constant([rewrite.pool_size // 2], np.int64)
        names = ("enough", "length", "last", "part", "over", "up", "times", "row")
        enough, length, last, part, over, up, times, row = (rewrite.name(kind) for kind in names)
        before, first = self._first()
        return [
            *before,
            helper.make_node("Min", [count, longest], [enough]),
            helper.make_node("Max", [enough, one], [length]),
            helper.make_node("Add", [length, first], [last]),
            helper.make_node("Slice", [pool, first, last], [part]),
            helper.make_node("Add", [count, length], [over]),
            helper.make_node("Sub", [over, one], [up]),
            helper.make_node("Div", [up, length], [times]),
            helper.make_node("Tile", [part, times], [row]),
            helper.make_node("Slice", [row, zero, count], [result]),
        ]

    def _first(self) -> tuple[list[onnx.NodeProto], str]:
        """Where in the pool the errors begin; in the body of a loop it differs between iterations."""
        rewrite, half = self.rewrite, self.rewrite.pool_size // 2
        start = rewrite.constant([int(rewrite.random.integers(half))], np.int64)
        if not self.counter:
            return [], start
        step, moved, first = (rewrite.name(part) for part in ("step", "moved", "first"))
        return [
            helper.make_node("Mul", [self.counter, rewrite.constant([_STRIDE], np.int64)], [step]),
            helper.make_node("Add", [step, start], [moved]),
            helper.make_node("Mod", [moved, rewrite.constant([half], np.int64)], [first]),
        ], first

    def _keep_whole(self, name: str, moved: str, result: str) -> list[onnx.NodeProto]:
        rounded, equal = self.rewrite.name("rounded"), self.rewrite.name("equal")
        return [
            helper.make_node("Round", [name], [rounded]),
            helper.make_node("Equal", [name, rounded], [equal]),
            helper.make_node("Where", [equal, name, moved], [result]),
        ]

    def _add_to_fractions(self, name: str, change: str, result: str, onnx_type: int) -> list[onnx.NodeProto]:
        """The same by operators of old opsets: the change is multiplied by 0 where the value is whole."""
        rounded, larger, mask, part = (self.rewrite.name(kind) for kind in ("rounded", "larger", "mask", "part"))
        return [
            helper.make_node("Floor", [name], [rounded]),
            helper.make_node("Less", [rounded, name], [larger]),
            helper.make_node("Cast", [larger], [mask], to=onnx_type),
            helper.make_node("Mul", [change, mask], [part]),
            helper.make_node("Add", [name, part], [result]),
        ]
