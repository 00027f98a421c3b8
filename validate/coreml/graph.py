"""A thin builder of ONNX graphs: every node is checked and its result typed when it is created.

Lowerings see ``g.op("Conv", x, w, strides=[1, 1])`` and ``g.const(array)``, and get a :class:`Tensor` that knows its
dtype, its static dimensions and, for constants, its content.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import helper

from .assemble import initializer, is_external, live_nodes, used_names
from .dtypes import Dtype
from .errors import broken_lowering
from .onnx_types import IMPORTS, IR_VERSION, checked_schema, inferred_types, value_info
from .values import Dim, Pairs, Shape, Slot, Tensor, Tensors

if TYPE_CHECKING:
    from ..signature import Array

__all__ = ["Dim", "Graph", "Pairs", "Shape", "Slot", "Tensor", "Tensors"]

_FOLDED = 1 << 20  # bytes; a larger constant is not copied during lowering, ONNX Runtime casts or transposes it
_WIDE = {"float16": "float32", "int8": "int32", "uint8": "int32", "int16": "int32", "uint16": "int32"}

_INTEGER = {"Add": operator.add, "Sub": operator.sub, "Mul": operator.mul, "Div": operator.floordiv}


@dataclass(slots=True)
class _Model:
    """What a graph and its subgraphs share."""

    names: int = 0
    scope: str = ""
    constants: dict[str, Array] = field(default_factory=dict)


class Graph:
    """An ONNX graph under construction; see :meth:`subgraph` for the bodies of If and Loop."""

    def __init__(self, parent: Graph | None = None) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []
        self._parent = parent
        self._model: _Model = parent._model if parent else _Model()
        self._wide: dict[str, Tensor] = {}
        self._unrounded: dict[str, Tensor] = {}
        self._padded: dict[str, tuple[Tensor, Sequence[int]]] = {}
        self._scalars: dict[str, Tensor] = {}

    @property
    def place(self) -> str:
        """The scope that nodes are created in now."""
        return self._model.scope

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Name nodes created inside ``<name>/<OnnxOp><n>``, so that ONNX Runtime's messages name the operator."""
        outer, self._model.scope = self._model.scope, name
        try:
            yield
        finally:
            self._model.scope = outer

    def const(self, value: Array | float | Sequence[int] | Sequence[float], dtype: str | Dtype | None = None) -> Tensor:
        """A constant; Python numbers need a ``dtype``, arrays keep their own by default."""
        array = np.asarray(value, dtype)
        name = self._name("const")
        self._model.constants[name] = array
        return Tensor(name, array.dtype, array.shape, array)

    def op(self, kind: str, *inputs: Tensor | None, **attributes: Any) -> Tensor:
        """One node with one output. Optional inputs and attributes that are None are omitted."""
        return self.ops(kind, *inputs, outputs=1, **attributes)[0]

    def ops(
        self,
        kind: str,
        *inputs: Tensor | None,
        outputs: int,
        domain: str = "",
        types: Sequence[tuple[Dtype, Shape | None]] | None = None,
        **attributes: Any,
    ) -> tuple[Tensor, ...]:
        """One node with ``outputs`` outputs. ``types`` declares (dtype, shape) if ONNX can't infer it.

        Attributes may be :class:`Graph` objects (subgraphs). Raises PG405 naming the scope when ONNX rejects the node.
        """
        name = self._name(kind)
        names = [name] if outputs == 1 else [f"{name}:{i}" for i in range(outputs)]
        given = {k: self._attribute(v) for k, v in attributes.items() if v is not None}
        # ONNX Runtime doesn't use its fastest kernels for a convolution with an empty bias name as its last input.
        present = [v.name if v else "" for v in inputs[: max((i + 1 for i, v in enumerate(inputs) if v), default=0)]]
        node = helper.make_node(kind, present, names, name, domain=domain, **given)
        schema = checked_schema(kind, domain, given, self._model.scope)
        self.nodes.append(node)
        if types is None:
            types = inferred_types(schema, node, [v for v in inputs if v], self._model.scope)
        return tuple(Tensor(n, dtype, shape) for n, (dtype, shape) in zip(names, types, strict=True))

    def cast(self, x: Tensor, dtype: str | Dtype) -> Tensor:
        """``x`` as ``dtype``, by ONNX's rules; a small constant is cast immediately."""
        dtype = np.dtype(dtype)
        if x.dtype == dtype:
            return x
        if x.value is not None and x.value.nbytes <= _FOLDED:
            return self.const(x.value.astype(dtype))
        return self.op("Cast", x, to=helper.np_dtype_to_tensor_dtype(dtype))

    def widen(self, x: Tensor) -> Tensor:
        """``x`` in the type used for arithmetic: float32 for float16, int32 for narrower integers.

        The cast is made once per tensor. A tensor that :meth:`narrow` made from an exact result needs none.
        """
        wide = _WIDE.get(x.dtype.name)
        if wide is None:
            return x
        known = self._known_wide(x.name)
        if known is None:
            known = self._wide[x.name] = self.cast(x, wide)
        return known

    def narrow(self, x: Tensor, dtype: Dtype, exact: bool) -> Tensor:
        """``x`` rounded to ``dtype``. ``exact``: ``dtype`` can represent every value of ``x``."""
        result = self.cast(x, dtype)
        if _WIDE.get(dtype.name) == x.dtype.name:
            (self._wide if exact else self._unrounded)[result.name] = x
        return result

    def unrounded(self, x: Tensor) -> Tensor:
        """``x`` in float32 before it was rounded to float16, if that is known; otherwise ``x`` itself."""
        return self._unrounded.get(x.name, x) if x.dtype == np.float16 else x

    def note_padding(self, padded: Tensor, x: Tensor, amounts: Sequence[int]) -> None:
        """Record for :meth:`unpadded` that ``padded`` is ``x`` with zeros before and after each of its last axes."""
        self._padded[padded.name] = (x, amounts)

    def unpadded(self, x: Tensor) -> tuple[Tensor, Sequence[int]]:
        """``x`` before it was padded with zeros, and the amounts, for operators that can pad themselves."""
        return self._padded.get(x.name, (x, ()))

    def note_scalar(self, vector: Tensor, scalar: Tensor) -> Tensor:
        """``vector``, recorded for :meth:`scalar` as the blob that holds ``scalar``."""
        self._scalars[vector.name] = scalar
        return vector

    def scalar(self, x: Tensor) -> Tensor:
        """The tensor without axes that ``x`` holds, if a slice has made it one; otherwise ``x`` itself."""
        return self._scalars.get(x.name, x)

    def dim(self, x: Tensor, axis: int) -> Dim:
        """The length of one axis: a number if it is static, else a vector of one element."""
        axis %= x.rank
        known = (x.shape or ())[axis]
        return self.op("Shape", x, start=axis, end=axis + 1) if known is None else known

    def calc(self, kind: str, a: Dim, b: Dim) -> Dim:
        """``a`` and ``b`` combined by "Add", "Sub", "Mul" or "Div" (rounded down, as these are lengths)."""
        if isinstance(a, int) and isinstance(b, int):
            return int(_INTEGER[kind](a, b))
        return self.op(kind, *(self.vector([d]) for d in (a, b)))

    def vector(self, dims: Sequence[Dim]) -> Tensor:
        """``dims`` as one int64 vector: a constant if all are numbers."""
        if all(isinstance(d, int) for d in dims):
            return self.const(np.array(dims, np.int64))
        return self.op("Concat", *(self.const([d], "int64") if isinstance(d, int) else d for d in dims), axis=0)

    def shape_of(self, x: Tensor) -> Tensor:
        """The shape of ``x`` as an int64 vector: a constant if it is static."""
        known = x.static_shape
        return self.const(known, "int64") if known is not None else self.op("Shape", x)

    def reshape(self, x: Tensor, shape: Sequence[Dim]) -> Tensor:
        """``x`` with ``shape``, where -1 is inferred; dimensions may be computed (see :meth:`dim`)."""
        wanted = self.vector(shape)
        if x.value is not None and wanted.value is not None:
            return self.const(x.value.reshape(wanted.value))
        return self.op("Reshape", x, wanted, allowzero=1)

    def transpose(self, x: Tensor, perm: Sequence[int]) -> Tensor:
        """``x`` with its axes in the order ``perm``; a small constant is transposed immediately."""
        if x.value is not None and x.value.nbytes <= _FOLDED:
            return self.const(np.ascontiguousarray(x.value.transpose(perm)))
        return self.op("Transpose", x, perm=[p % len(perm) for p in perm])

    def like(self, value: float, x: Tensor) -> Tensor:
        """The scalar ``value`` in the dtype of ``x``."""
        return self.const(value, x.dtype)

    def typed(self, x: Tensor, shape: Shape | None) -> Tensor:
        """``x`` with unknown dimensions taken from ``shape``. Raises PG405 when the two contradict each other."""
        if shape is None or x.shape == shape:
            return x
        if x.shape is None:
            return Tensor(x.name, x.dtype, shape, x.value)
        if len(x.shape) != len(shape) or any(
            None not in (a, b) and a != b for a, b in zip(x.shape, shape, strict=True)
        ):
            raise broken_lowering(
                self._model.scope, f"the lowering returns shape {x.shape}, the program declares {shape}"
            )
        merged = tuple(b if a is None else a for a, b in zip(x.shape, shape, strict=True))
        return Tensor(x.name, x.dtype, merged, x.value)

    def subgraph(self) -> Graph:
        """A graph for an If or Loop attribute: it sees this graph's tensors and shares its constants."""
        return Graph(self)

    def input(self, name: str, dtype: str | Dtype, shape: Shape | None) -> Tensor:
        """Declare an input. In a subgraph the name is made unique."""
        name = self._name(name) if self._parent else name
        dtype = np.dtype(dtype)
        self.inputs.append(value_info(name, dtype, shape))
        return Tensor(name, dtype, shape)

    def output(self, x: Tensor, name: str | None = None) -> None:
        """Declare ``x`` as an output, under ``name`` at the top level."""
        name = name or self._name("output")
        self.nodes.append(helper.make_node("Identity", [x.name], [name], f"output:{name}"))
        self.outputs.append(value_info(name, x.dtype, x.shape))

    def build(self) -> tuple[onnx.ModelProto, dict[str, Array]]:
        """The finished model, and its large constants by name (declared as external data in the model)."""
        graph = self._proto("coreml")
        used = used_names(graph)
        # Unused constants are released: compressed weights would otherwise stay in memory next to their unpacked form.
        self._model.constants = constants = {n: v for n, v in self._model.constants.items() if n in used}
        graph.initializer.extend(initializer(n, v) for n, v in constants.items())
        model = helper.make_model(graph, opset_imports=IMPORTS, ir_version=IR_VERSION, producer_name="paritygate")
        return model, {n: v for n, v in constants.items() if is_external(v)}

    def _proto(self, name: str) -> onnx.GraphProto:
        return helper.make_graph(live_nodes(self.nodes, self.outputs), name, self.inputs, self.outputs)

    def _attribute(self, value: Any) -> Any:
        return value._proto(self._name("body")) if isinstance(value, Graph) else value

    def _known_wide(self, name: str) -> Tensor | None:
        return self._wide.get(name) or (self._parent._known_wide(name) if self._parent else None)

    def _name(self, kind: str) -> str:
        self._model.names += 1
        return f"{self._model.scope}/{kind}{self._model.names}"
