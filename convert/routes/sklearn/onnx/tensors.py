"""ONNX tensors with numpy's notation, so that a converter reads like the scikit-learn method that it translates."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Union

import numpy as np
from numpy.typing import ArrayLike, DTypeLike
from onnx import GraphProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

Operand = Union["Tensor", ArrayLike]

STRING = np.dtype(object)
"""How a tensor of strings is known to numpy."""

_REDUCTION_AXES_ARE_AN_INPUT_SINCE = {"ReduceSum": 13}
_OTHER_REDUCTIONS = 18


class Graph(ABC):
    """Where nodes and constants are added. ``opset`` is the version of the default domain that they conform to."""

    opset: int

    @property
    def space(self) -> object:
        """The scope of names: tensors of graphs with the same space may be combined."""
        return self

    @abstractmethod
    def unique(self, hint: str) -> str:
        """A name that nothing in the model has yet."""

    @abstractmethod
    def add_node(self, node: NodeProto) -> None:
        """Append a finished node."""

    @abstractmethod
    def add_constant(self, tensor: TensorProto) -> None:
        """Append a named constant."""

    def constant(self, array: ArrayLike, dtype: DTypeLike | None = None) -> Tensor:
        """A constant of ``dtype`` (default: the array's own; strings become a tensor of strings)."""
        content = np.ascontiguousarray(array, dtype=dtype).reshape(np.shape(array))
        if content.dtype.kind in "US":
            content = content.astype(STRING)
        name = self.unique("constant")
        self.add_constant(numpy_helper.from_array(content, name))
        return Tensor(self, name, content.dtype)

    def op(
        self, op_type: str, *inputs: Tensor, dtype: DTypeLike | None = None, domain: str = "", **attributes: Any
    ) -> Tensor:
        """Append a node with one output; ``dtype`` is the output's, by default the first input's."""
        outputs = self.op_with(op_type, *inputs, dtypes=[dtype or inputs[0].dtype], domain=domain, **attributes)
        return outputs[0]

    def op_with(
        self, op_type: str, *inputs: Tensor, dtypes: Sequence[DTypeLike], domain: str = "", **attributes: Any
    ) -> tuple[Tensor, ...]:
        """Append a node with as many outputs as there are ``dtypes``."""
        if any(value.graph.space is not self.space for value in inputs):
            raise ValueError(f"{op_type}: a sub-graph may only use its own values")
        outputs = tuple(Tensor(self, self.unique(op_type.lower()), np.dtype(dtype)) for dtype in dtypes)
        sources, results = ([value.name for value in values] for values in (inputs, outputs))
        name = self.unique(op_type)
        self.add_node(helper.make_node(op_type, sources, results, name=name, domain=domain, **attributes))
        return outputs

    def concat(self, values: Sequence[Tensor], axis: int = 1) -> Tensor:
        """Join values along an axis; a single value is returned as it is."""
        return values[0] if len(values) == 1 else self.op("Concat", *values, axis=axis)

    def scan(self, rows: Tensor, body: Callable[[Tensor], Tensor]) -> Tensor:
        """Apply ``body`` to each row of ``rows`` and stack the results: needs memory for one row at a time."""
        inner = Body(self)
        row = Tensor(inner, self.unique("row"), rows.dtype)
        result = body(row)
        return self.op("Scan", rows, dtype=result.dtype, num_scan_inputs=1, body=inner.proto([row], [result]))

    def loop(
        self,
        limit: int,
        state: Sequence[Tensor],
        body: Callable[[Tensor, Sequence[Tensor]], tuple[Tensor, Sequence[Tensor]]],
    ) -> tuple[Tensor, ...]:
        """Repeat ``body(step, state) -> (go on?, new state)`` up to ``limit`` times; returns the last state.

        Values of the outer graph that the body needs have to be part of the state: skl2onnx sorts nodes without
        looking into sub-graphs.
        """
        inner = Body(self)
        step, go_on = (Tensor(inner, self.unique(name), np.dtype(kind)) for name, kind in _LOOP_HEAD)
        before = [Tensor(inner, self.unique("state"), value.dtype) for value in state]
        condition, after = body(step, before)
        proto = inner.proto([step, go_on, *before], [condition, *after], scalars=2)
        start = [self.constant(limit, np.int64), self.constant(True), *state]
        return self.op_with("Loop", *start, dtypes=[value.dtype for value in state], body=proto)


_LOOP_HEAD: tuple[tuple[str, DTypeLike], ...] = (("step", np.int64), ("go_on", bool))


class Body(Graph):
    """The body of a Scan or a Loop. Its names are unique in the whole model, its values its own."""

    def __init__(self, outer: Graph) -> None:
        self.opset = outer.opset
        self._outer = outer
        self._nodes: list[NodeProto] = []
        self._constants: list[TensorProto] = []

    def unique(self, hint: str) -> str:
        """A name that nothing in the model has yet."""
        return self._outer.unique(hint)

    def add_node(self, node: NodeProto) -> None:
        """Append a finished node."""
        self._nodes.append(node)

    def add_constant(self, tensor: TensorProto) -> None:
        """Append a named constant."""
        self._constants.append(tensor)

    def proto(self, inputs: Sequence[Tensor], outputs: Sequence[Tensor], scalars: int = 0) -> GraphProto:
        """The finished body, whose first inputs are ``scalars``; the shapes of the others are left open.

        Outputs pass through Identity, since an input may not be an output as well.
        """
        copies = [self.op("Identity", value) for value in outputs]
        sources = [_value_info(value, () if i < scalars else None) for i, value in enumerate(inputs)]
        results = [_value_info(value) for value in copies]
        return helper.make_graph(self._nodes, self.unique("body"), sources, results, initializer=self._constants)


def _value_info(value: Tensor, shape: tuple[int, ...] | None = None) -> ValueInfoProto:
    return helper.make_tensor_value_info(value.name, helper.np_dtype_to_tensor_dtype(value.dtype), shape)


def _unary(op_type: str) -> Callable[[Tensor], Tensor]:
    def method(self: Tensor) -> Tensor:
        return self.graph.op(op_type, self)

    return method


def _binary(op_type: str, *, swap: bool = False, dtype: DTypeLike | None = None) -> Callable[[Tensor, Operand], Tensor]:
    def method(self: Tensor, other: Operand) -> Tensor:
        pair = (self.like(other), self) if swap else (self, self.like(other))
        return self.graph.op(op_type, *pair, dtype=dtype)

    return method


_OR_EQUAL_SINCE = 12
_EQUAL_OF_FLOATS_SINCE = 11
_AXES_OF_UNSQUEEZE_ARE_AN_INPUT_SINCE = 13
_SMALLEST_OF_TOP_K_SINCE = 11


def _or_equal(op_type: str, strictly: str) -> Callable[[Tensor, Operand], Tensor]:
    modern = _binary(op_type, dtype=bool)

    def method(self: Tensor, other: Operand) -> Tensor:
        if self.graph.opset >= _OR_EQUAL_SINCE:
            return modern(self, other)
        operand = self.like(other)
        less: Tensor = getattr(self, strictly)(operand)
        return less | self.equals(operand)

    return method


@dataclass(frozen=True, eq=False, slots=True)
class Tensor:
    """A tensor of a graph. Arithmetic appends nodes; plain numbers and arrays become constants of its dtype."""

    graph: Graph
    name: str
    dtype: np.dtype[Any]

    __array_ufunc__ = None
    """Makes ``array @ tensor`` call :meth:`__rmatmul__` rather than numpy."""

    __add__ = __radd__ = _binary("Add")
    __mul__ = __rmul__ = _binary("Mul")
    __sub__, __rsub__ = _binary("Sub"), _binary("Sub", swap=True)
    __truediv__, __rtruediv__ = _binary("Div"), _binary("Div", swap=True)
    __matmul__, __rmatmul__ = _binary("MatMul"), _binary("MatMul", swap=True)
    __pow__, __rpow__ = _binary("Pow"), _binary("Pow", swap=True)
    __and__, __or__ = _binary("And"), _binary("Or")
    __lt__, __gt__ = _binary("Less", dtype=bool), _binary("Greater", dtype=bool)
    __le__, __ge__ = _or_equal("LessOrEqual", "__lt__"), _or_equal("GreaterOrEqual", "__gt__")
    __neg__, __invert__, __abs__ = _unary("Neg"), _unary("Not"), _unary("Abs")
    maximum, minimum = _binary("Max"), _binary("Min")
    exp, log, sqrt, sin, cos, tanh = (_unary(op) for op in ("Exp", "Log", "Sqrt", "Sin", "Cos", "Tanh"))
    floor, sign = _unary("Floor"), _unary("Sign")

    def like(self, other: Operand) -> Tensor:
        """``other`` as a value of this graph; what isn't a value yet becomes a constant of this dtype."""
        return other if isinstance(other, Tensor) else self.graph.constant(other, self.dtype)

    def equals(self, other: Operand) -> Tensor:
        """Where both are equal; NaN equals nothing."""
        operand = self.like(other)
        if self.graph.opset >= _EQUAL_OF_FLOATS_SINCE or self.dtype.kind != "f":
            return self.graph.op("Equal", self, operand, dtype=bool)
        return ~((self < operand) | (self > operand) | (self + operand).is_nan())

    def cast(self, dtype: DTypeLike) -> Tensor:
        """The same values in another dtype."""
        target = np.dtype(dtype)
        if target == self.dtype:
            return self
        return self.graph.op("Cast", self, dtype=target, to=helper.np_dtype_to_tensor_dtype(target))

    def is_nan(self) -> Tensor:
        """Where the value is NaN."""
        return self.graph.op("IsNaN", self, dtype=bool)

    def where(self, yes: Operand, no: Operand, dtype: DTypeLike = np.float64) -> Tensor:
        """``yes`` where this (boolean) value holds, else ``no``; ``dtype`` is that of two plain operands."""
        kind = next((operand.dtype for operand in (yes, no) if isinstance(operand, Tensor)), np.dtype(dtype))
        pair = [v if isinstance(v, Tensor) else self.graph.constant(v, kind) for v in (yes, no)]
        return self.graph.op("Where", self, *pair, dtype=kind)

    def _reduce(self, op_type: str, axis: int, keepdims: bool) -> Tensor:
        if self.graph.opset >= _REDUCTION_AXES_ARE_AN_INPUT_SINCE.get(op_type, _OTHER_REDUCTIONS):
            return self.graph.op(op_type, self, self.graph.constant([axis], np.int64), keepdims=int(keepdims))
        return self.graph.op(op_type, self, axes=[axis], keepdims=int(keepdims))

    def sum(self, axis: int = 1, keepdims: bool = False) -> Tensor:
        """Sum along an axis."""
        return self._reduce("ReduceSum", axis, keepdims)

    def mean(self, axis: int = 1, keepdims: bool = False) -> Tensor:
        """Mean along an axis."""
        return self._reduce("ReduceMean", axis, keepdims)

    def max(self, axis: int = 1, keepdims: bool = False) -> Tensor:
        """Greatest along an axis."""
        return self._reduce("ReduceMax", axis, keepdims)

    def min(self, axis: int = 1, keepdims: bool = False) -> Tensor:
        """Smallest along an axis."""
        return self._reduce("ReduceMin", axis, keepdims)

    def argmax(self, axis: int = 1) -> Tensor:
        """Index of the greatest along an axis, the first of equals, as int64."""
        return self.graph.op("ArgMax", self, dtype=np.int64, axis=axis, keepdims=0)

    def argmin(self, axis: int = 1) -> Tensor:
        """Index of the smallest along an axis, the first of equals, as int64."""
        return self.graph.op("ArgMin", self, dtype=np.int64, axis=axis, keepdims=0)

    def smallest(self, k: int) -> tuple[Tensor, Tensor]:
        """The ``k`` smallest of each row in ascending order, and their indices."""
        count = self.graph.constant([k], np.int64)
        dtypes = [self.dtype, np.dtype(np.int64)]
        if self.graph.opset < _SMALLEST_OF_TOP_K_SINCE:
            largest, indices = self.graph.op_with("TopK", -self, count, dtypes=dtypes)
            return -largest, indices
        values, indices = self.graph.op_with("TopK", self, count, dtypes=dtypes, largest=0)
        return values, indices

    def sigmoid(self) -> Tensor:
        """``1 / (1 + exp(-x))``: ONNX Runtime's own Sigmoid is 0 in double below -40, and inaccurate above."""
        return 1.0 / ((-self).exp() + 1.0)

    def softmax(self) -> Tensor:
        """Softmax along the last axis."""
        return self.graph.op("Softmax", self, axis=-1)

    def clip(self, low: Operand, high: Operand) -> Tensor:
        """Values limited to ``low .. high``; NaN stays NaN."""
        return self.maximum(low).minimum(high)

    def take(self, indices: Operand, axis: int = 0) -> Tensor:
        """Gather along an axis by int64 indices, a value or an array."""
        chosen = indices if isinstance(indices, Tensor) else self.graph.constant(indices, np.int64)
        return self.graph.op("Gather", self, chosen, axis=axis)

    def lookup(self, table: Mapping[str, int], other: int) -> Tensor:
        """Of strings, the number that the table has for each, else ``other``, as int64."""
        entries = {"keys_strings": list(table), "values_int64s": list(table.values()), "default_int64": other}
        return self.graph.op("LabelEncoder", self, dtype=np.int64, domain="ai.onnx.ml", **entries)

    def columns(self, indices: ArrayLike) -> Tensor:
        """Some columns, in this order; a plain integer gives one column as a vector."""
        return self.take(indices, axis=1)

    def reshape(self, *shape: int) -> Tensor:
        """Another shape; -1 is inferred, 0 keeps that dimension."""
        return self.graph.op("Reshape", self, self.graph.constant(shape, np.int64))

    def expand_dims(self, axis: int) -> Tensor:
        """One more dimension of extent 1."""
        if self.graph.opset < _AXES_OF_UNSQUEEZE_ARE_AN_INPUT_SINCE:
            return self.graph.op("Unsqueeze", self, axes=[axis])
        return self.graph.op("Unsqueeze", self, self.graph.constant([axis], np.int64))

    def transpose(self, *order: int) -> Tensor:
        """The dimensions in another order."""
        return self.graph.op("Transpose", self, perm=list(order))

    def shape(self) -> Tensor:
        """The extents, int64."""
        return self.graph.op("Shape", self, dtype=np.int64)
