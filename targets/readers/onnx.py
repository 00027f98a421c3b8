"""ONNX files: nodes with the version of their definition, dtypes and lengths by shape inference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, defs, helper, shape_inference

from ...validate.engines.onnx_files import check_external_files, external_files, graph_only
from ...validate.onnx_graphs import inline_functions
from ..footprint import measure
from ..model import Kind, ModelFacts, Node, Tensor

MOST_VALUES = 1024
"""Elements of an initializer that shape inference may look into: lengths and axes, never weights."""

_DTYPES = {number: name.lower() for name, number in TensorProto.DataType.items() if number}


def read(path: Path) -> ModelFacts:
    """The facts of an ``.onnx`` file. Raises ParityGateError PG402, PG502 as the engine's reader does.

    An open first axis of an input counts as one row for everything that is computed from lengths.
    """
    check_external_files(path, trust=False)
    whole = graph_only(path)
    model = inline_functions(_without_weights(whole))
    tensors = _tensors(_inferred(_one_row(model)))
    opsets = {entry.domain or "ai.onnx": entry.version for entry in model.opset_import}
    constants = _constants(whole.graph)
    nodes = tuple(_nodes(model.graph, opsets, tensors))
    weights = _weights(whole.graph)
    files = [path, *external_files(path)]
    inputs = {each.name: _tensor(each.type) for each in whole.graph.input if each.name not in constants}
    outputs = {each.name: _tensor(each.type) for each in whole.graph.output}
    return ModelFacts(
        kind=Kind.ONNX,
        path=str(path),
        specification=whole.ir_version,
        footprint=measure(sum(each.stat().st_size for each in files), weights, nodes, tensors, inputs, outputs),
        opsets=opsets,
        inputs=inputs,
        outputs=outputs,
        tensors=tensors,
        constants=constants | {name for node in nodes if node.operator == "Constant" for name in node.outputs},
        nodes=nodes,
        external_data=len(files) > 1,
    )


def _without_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose large initializers are inputs: shape inference would copy all their bytes."""
    large = [tensor for tensor in model.graph.initializer if _elements(tensor) > MOST_VALUES]
    copy = onnx.ModelProto()
    copy.ir_version, copy.producer_name = model.ir_version, model.producer_name
    copy.opset_import.extend(model.opset_import)
    copy.functions.extend(model.functions)
    graph = copy.graph
    graph.name = model.graph.name
    names = {tensor.name for tensor in large}
    graph.node.extend(model.graph.node)
    graph.output.extend(model.graph.output)
    graph.value_info.extend(model.graph.value_info)
    graph.initializer.extend(tensor for tensor in model.graph.initializer if tensor.name not in names)
    graph.input.extend(each for each in model.graph.input if each.name not in names)
    graph.input.extend(helper.make_tensor_value_info(each.name, each.data_type, list(each.dims)) for each in large)
    return copy


def _one_row(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model for one row: an open first axis of an input gets the length 1; declared inner shapes go."""
    named = {
        each.type.tensor_type.shape.dim[0].dim_param
        for each in model.graph.input
        if each.type.tensor_type.shape.dim and each.type.tensor_type.shape.dim[0].dim_param
    }
    for each in (*model.graph.input, *model.graph.output):
        for axis, dim in enumerate(each.type.tensor_type.shape.dim):
            if dim.dim_param in named or (axis == 0 and not dim.HasField("dim_value")):
                dim.dim_value = 1
    del model.graph.value_info[:]
    return model


def _inferred(model: onnx.ModelProto) -> onnx.ModelProto:
    try:
        return shape_inference.infer_shapes(model, data_prop=True)
    except Exception:  # noqa: BLE001  # a file that contradicts itself: its dtypes and lengths stay unknown
        return model


def _tensors(model: onnx.ModelProto) -> dict[str, Tensor]:
    graph = model.graph
    found = {each.name: _tensor(each.type) for each in (*graph.value_info, *graph.output, *graph.input)}
    found |= {each.name: Tensor(_DTYPES.get(each.data_type, ""), tuple(each.dims)) for each in graph.initializer}
    return found


def _tensor(type: onnx.TypeProto) -> Tensor:
    if not type.HasField("tensor_type"):
        return Tensor(type.WhichOneof("value") or "")
    of = type.tensor_type
    dims = tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in of.shape.dim)
    return Tensor(_DTYPES.get(of.elem_type, ""), dims if of.HasField("shape") else None)


def _nodes(
    graph: onnx.GraphProto, opsets: Mapping[str, int], tensors: Mapping[str, Tensor], depth: int = 0
) -> Iterator[Node]:
    """The nodes of a graph, each followed by those of its branches and bodies."""
    for number, proto in enumerate(graph.node):
        schema = _schema(proto, opsets)
        name = proto.name or f"{proto.op_type}_{number}"
        yield Node(
            name,
            proto.op_type,
            proto.domain or "ai.onnx",
            schema.since_version if schema else opsets.get(proto.domain or "ai.onnx", 1),
            tuple(proto.input),
            tuple(proto.output),
            _types(proto, schema, tensors) if schema else {},
            {each.name: _attribute(each) for each in proto.attribute},
            depth,
            tuple(_body(proto, schema, opsets, tensors)) if schema else (),
        )
        for attribute in proto.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from _nodes(inner, opsets, tensors, depth + 1)


def _schema(proto: onnx.NodeProto, opsets: Mapping[str, int]) -> Any:
    domain = proto.domain if proto.domain != "ai.onnx" else ""
    try:
        return defs.get_schema(proto.op_type, opsets.get(domain or "ai.onnx", 1), domain)
    except defs.SchemaError:
        return None


def _types(proto: onnx.NodeProto, schema: Any, tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """The dtype of each type parameter, as far as it is known."""
    found: dict[str, str] = {}
    for names, formals in ((proto.input, schema.inputs), (proto.output, schema.outputs)):
        for number, name in enumerate(names):
            formal = formals[min(number, len(formals) - 1)] if formals else None
            dtype = tensors[name].dtype if name in tensors else ""
            if formal is not None and name and dtype and "(" not in formal.type_str:
                found.setdefault(formal.type_str, dtype)
    return found


def _body(
    proto: onnx.NodeProto, schema: Any, opsets: Mapping[str, int], tensors: Mapping[str, Tensor]
) -> Iterator[Node]:
    """The operators by which ONNX defines this one, where it does."""
    body: Any = None
    if schema.has_function:
        body = schema.function_body
    elif schema.has_context_dependent_function:
        body = _expanded(proto, schema, tensors)
    if body is None:
        return
    known = {own: tensors[name] for own, name in zip(body.input, proto.input, strict=False) if name in tensors}
    versions = {**opsets, **{entry.domain or "ai.onnx": entry.version for entry in body.opset_import}}
    for number, each in enumerate(body.node):
        inner = _schema(each, versions)
        types = _types(each, inner, known) if inner else {}
        known |= _results(each, inner, types) if inner else {}
        version = inner.since_version if inner else 1
        yield Node(f"{each.op_type}_{number}", each.op_type, each.domain or "ai.onnx", version, types=types)


def _results(proto: onnx.NodeProto, schema: Any, types: Mapping[str, str]) -> dict[str, Tensor]:
    """The dtypes of a node's outputs where they follow from its inputs': as far as a definition's body needs them."""
    found = {}
    for number, name in enumerate(proto.output):
        formal = schema.outputs[min(number, len(schema.outputs) - 1)].type_str
        fixed = formal.removeprefix("tensor(").removesuffix(")") if formal.startswith("tensor(") else ""
        if dtype := fixed or types.get(formal, ""):
            found[name] = Tensor(dtype)
    return found


def _expanded(proto: onnx.NodeProto, schema: Any, tensors: Mapping[str, Tensor]) -> Any:
    """The body that depends on the node's attributes and dtypes; None where these aren't known."""
    types = []
    numbers = {name: number for number, name in _DTYPES.items()}
    for name in proto.input:
        dtype = tensors[name].dtype if name in tensors else ""
        types.append(helper.make_tensor_type_proto(numbers.get(dtype, 0), None) if dtype else onnx.TypeProto())
    try:
        found = onnx.FunctionProto()
        found.ParseFromString(
            schema.get_context_dependent_function(
                proto.SerializeToString(), [each.SerializeToString() for each in types]
            )
        )
    except Exception:  # noqa: BLE001  # ONNX's C++ raises whatever it likes where a body can't be built
        return None
    return found


def _attribute(attribute: onnx.AttributeProto) -> Any:
    """The value of an attribute; graphs and tensors stay out."""
    if attribute.type in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS, onnx.AttributeProto.TENSOR):
        return None
    value = helper.get_attribute_value(attribute)
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _constants(graph: onnx.GraphProto) -> frozenset[str]:
    sparse = (tensor.values.name for tensor in graph.sparse_initializer)
    return frozenset([*(tensor.name for tensor in graph.initializer), *sparse])


def _weights(graph: onnx.GraphProto) -> dict[str, int]:
    """Bytes of all initializers, those of branches and bodies and constants too, by dtype."""
    found: Counter[str] = Counter()
    for tensor in _stored(graph):
        found[_DTYPES.get(tensor.data_type, "?")] += _bytes(tensor)
    return dict(found)


def _stored(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.TENSOR:
                yield attribute.t
            for inner in (attribute.g, *attribute.graphs):
                yield from _stored(inner)


_BITS = {"int4": 4, "uint4": 4, "float4e2m1": 4, "int2": 2, "uint2": 2, "string": 0}


def _bytes(tensor: onnx.TensorProto) -> int:
    name = _DTYPES.get(tensor.data_type, "")
    if name == "string":
        return sum(map(len, tensor.string_data))
    if name in _BITS:
        return (_elements(tensor) * _BITS[name] + 7) // 8
    return _elements(tensor) * (helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize if name else 0)


def _elements(tensor: onnx.TensorProto) -> int:
    return _product(tensor.dims)


def _product(numbers: Sequence[int]) -> int:
    total = 1
    for number in numbers:
        total *= number
    return total
