"""Inputs and outputs of a converted model, with the source's own names, shapes and dtypes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, helper

from .....validate.engines.sklearn.walk import readers
from .....validate.errors import ParityGateError
from .....validate.signature import STRING, Signature, TensorSpec
from .parsers import takes_columns
from .tensors import STRING as STRING_DTYPE
from .tensors import Graph, Tensor

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

_INNER = "paritygate_"
"""Prefix of the names between skl2onnx's graph and the model's inputs and outputs."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The inputs declared to skl2onnx, as (name, type) pairs, and the source's inputs that they are made of.

    There are as many of both, or else one table to which all columns are joined.
    """

    types: list[tuple[str, Any]]
    specs: tuple[TensorSpec, ...]


def ports_of(estimator: Any, specs: tuple[TensorSpec, ...]) -> Ports:
    """Columns stay separate for estimators that read columns of different types; others get them as one table."""
    dtypes = {spec.dtype for spec in specs}
    if len(specs) == 1 or STRING in dtypes or any(takes_columns(reader) for reader in readers(estimator)):
        return Ports([(f"{_INNER}input_{i}", _type(spec.dtype, spec.shape)) for i, spec in enumerate(specs)], specs)
    dtype = dtypes.pop() if len(dtypes) == 1 else "float64"
    return Ports([(f"{_INNER}table", _type(dtype, ("N", len(specs))))], specs)


def _type(dtype: str, shape: Sequence[Any] | None) -> Any:
    from skl2onnx.common import data_types as types

    kinds = {
        "float32": types.FloatTensorType,
        "float64": types.DoubleTensorType,
        "int64": types.Int64TensorType,
        "bool": types.BooleanTensorType,
        STRING: types.StringTensorType,
    }
    if dtype not in kinds:
        raise ParityGateError(
            "PG405", f"an input of dtype {dtype}", f"skl2onnx takes {', '.join(kinds)}", "Declare it as one of these."
        )
    return kinds[dtype]([dim if isinstance(dim, int) else None for dim in shape or ()])


def attach_inputs(proto: ModelProto, specs: Sequence[TensorSpec]) -> None:
    """Replace the inputs that were declared to skl2onnx by the source's inputs."""
    graph = proto.graph
    _free(graph, [spec.name for spec in specs])
    inner = list(graph.input)
    if len(inner) == len(specs):
        _rename(graph, {value.name: spec.name for value, spec in zip(inner, specs, strict=True)})
    else:
        adapter = _Adapter(proto, "join")
        table = adapter.value(inner[0])
        columns = [Tensor(adapter, spec.name, _numpy(spec)).cast(table.dtype) for spec in specs]
        adapter.rename(adapter.concat(columns), table.name)
        adapter.prepend()
    del graph.input[:]
    graph.input.extend(_info(spec, _numpy(spec)) for spec in specs)


def output_names(signature: Signature) -> dict[str, str]:
    """Source output -> candidate output: the same name, unless an input has it (a column called ``label``)."""
    taken = {spec.name for spec in signature.inputs}
    names = [spec.name for spec in signature.outputs]
    return {name: f"{name}_output" if name in taken else name for name in names}


def attach_outputs(proto: ModelProto, signature: Signature) -> None:
    """Give the outputs the names of :func:`output_names` and the source's ranks and dtypes; others are dropped.

    Every converter gives the label, prediction or transformed table first, then the scores, target by target: the
    order of the signature. Raises ParityGateError PG405 where there are too few.
    """
    graph = proto.graph
    names = output_names(signature)
    specs = [replace(spec, name=names[spec.name]) for spec in signature.outputs]
    _free(graph, [spec.name for spec in specs])
    found = list(graph.output)
    if len(found) < len(specs):
        missing = ", ".join(spec.name for spec in specs[len(found) :])
        raise ParityGateError("PG405", missing, "the converter gives no such output")
    adapter = _Adapter(proto, "output")
    finals = [_fitted(adapter.value(info), spec, _rank(info)) for info, spec in zip(found, specs, strict=False)]
    for final, spec in zip(finals, specs, strict=True):
        adapter.rename(final, spec.name)
    adapter.append()
    del graph.output[:]
    graph.output.extend(_info(spec, final.dtype) for spec, final in zip(specs, finals, strict=True))


def _fitted(value: Tensor, spec: TensorSpec, rank: int | None) -> Tensor:
    """The value in the rank and the dtype of ``spec``; a floating width that the spec accepts is kept."""
    shape = spec.shape or ()
    if rank != len(shape):
        value = value.reshape(-1, *(int(dim) for dim in shape[1:]))
    kept = value.dtype == STRING_DTYPE if spec.dtype == STRING else value.dtype.name in (spec.dtype, *spec.accepts)
    return value if kept else value.cast(spec.dtype)


class _Adapter(Graph):
    """Nodes to be put before or after those of a finished model."""

    def __init__(self, proto: ModelProto, label: str) -> None:
        self.opset = max(entry.version for entry in proto.opset_import if entry.domain == "")
        self._graph = proto.graph
        self._label = label
        self._count = 0
        self._nodes: list[NodeProto] = []

    def unique(self, hint: str) -> str:
        """A name that nothing in the model has yet."""
        self._count += 1
        return f"{_INNER}{self._label}_{hint}_{self._count}"

    def add_node(self, node: NodeProto) -> None:
        """Keep a finished node."""
        self._nodes.append(node)

    def add_constant(self, tensor: TensorProto) -> None:
        """Append a named constant."""
        self._graph.initializer.append(tensor)

    def value(self, info: ValueInfoProto) -> Tensor:
        """An input or output of the model."""
        elem = info.type.tensor_type.elem_type
        return Tensor(self, info.name, np.dtype(helper.tensor_dtype_to_np_dtype(elem)))

    def rename(self, value: Tensor, name: str) -> None:
        """Give the value a name of the source's."""
        self.add_node(helper.make_node("Identity", [value.name], [name], name=self.unique("Identity")))

    def prepend(self) -> None:
        """Put the kept nodes before the model's own."""
        after = list(self._graph.node)
        del self._graph.node[:]
        self._graph.node.extend([*self._nodes, *after])

    def append(self) -> None:
        """Put the kept nodes after the model's own."""
        self._graph.node.extend(self._nodes)


def _numpy(spec: TensorSpec) -> np.dtype[Any]:
    return STRING_DTYPE if spec.dtype == STRING else np.dtype(spec.dtype)


def _info(spec: TensorSpec, dtype: DTypeLike) -> ValueInfoProto:
    return helper.make_tensor_value_info(spec.name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), spec.shape)


def _rank(value: ValueInfoProto) -> int | None:
    """The declared rank; None where there is none, as for a sequence."""
    tensor = value.type.tensor_type
    return len(tensor.shape.dim) if tensor.HasField("shape") else None


def _free(graph: GraphProto, names: Iterable[str]) -> None:
    """Rename the values inside the model that have the name of one of its inputs or outputs."""
    _rename(graph, {name: f"{_INNER}inner_{name}" for name in names})


def _rename(graph: GraphProto, names: Mapping[str, str]) -> None:
    """Rename values, in sub-graphs too: names are unique within a model that skl2onnx wrote."""
    for value in [*graph.input, *graph.output, *graph.value_info, *graph.initializer]:
        value.name = names.get(value.name, value.name)
    for node in graph.node:
        for field in (node.input, node.output):
            field[:] = [names.get(name, name) for name in field]
        for attribute in node.attribute:
            for inner in [attribute.g, *attribute.graphs] if attribute.type in (5, 10) else ():
                _rename(inner, names)
