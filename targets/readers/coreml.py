"""Core ML files: the model type, its specification version, and the operators of programs and networks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

from ...validate.coreml.files.contents import opset
from ...validate.coreml.files.package import open_package
from ..footprint import measure
from ..model import Kind, ModelFacts, Node, Tensor

_MIL = {1: "bool", 2: "string", 10: "float16", 11: "float", 12: "double", 21: "int8", 22: "int16", 23: "int32",
        24: "int64", 31: "uint8", 32: "uint16", 33: "uint32"}  # fmt: skip
"""MIL.proto's DataType."""

_ARRAY = {65568: "float", 65600: "double", 131104: "int32", 65552: "float16", 131080: "int8"}
"""ArrayFeatureType's ArrayDataType."""


def read(path: Path) -> ModelFacts:
    """The facts of an ``.mlmodel`` or ``.mlpackage``. Raises ParityGateError PG402, PG403, PG502."""
    package = open_package(path)
    spec = package.spec
    kind = spec.WhichOneof("Type")
    tensors: dict[str, Tensor] = {}
    nodes = tuple(_nodes(spec, tensors))
    inputs = {feature.name: _feature(feature.type) for feature in spec.description.input}
    outputs = {feature.name: _feature(feature.type) for feature in spec.description.output}
    tensors |= {name: tensor for name, tensor in {**outputs, **inputs}.items() if name not in tensors}
    size = sum(file.stat().st_size for file in _files(path))
    return ModelFacts(
        kind=Kind.COREML,
        path=str(path),
        specification=spec.specificationVersion,
        footprint=replace(measure(size, _weights(spec, size), nodes, tensors, inputs, outputs), macs=None),
        opsets={"coreml": int("".join(filter(str.isdigit, opset(spec))) or 0)} if kind == "mlProgram" else {},
        inputs=inputs,
        outputs=outputs,
        tensors=tensors,
        constants=frozenset(name for node in nodes if node.operator == "const" for name in node.outputs),
        nodes=tuple(node for node in nodes if node.operator != "const"),
        program=kind,
    )


def _files(path: Path) -> Iterator[Path]:
    return (file for file in path.rglob("*") if file.is_file()) if path.is_dir() else iter([path])


def _nodes(spec: Any, tensors: dict[str, Tensor]) -> Iterator[Node]:
    """The operators of a program, the layers of a network, the stages of a pipeline, or the model itself."""
    kind = spec.WhichOneof("Type")
    body = getattr(spec, kind)
    if kind == "mlProgram":
        for function in body.functions.values():
            yield from _operations(function.block_specializations[function.opset], tensors, 0)
    elif kind.startswith("neuralNetwork"):
        for layer in body.layers:
            operator = layer.WhichOneof("layer") or "unknown"
            yield Node(
                layer.name, operator, "coreml", 1, tuple(layer.input), tuple(layer.output), custom=operator == "custom"
            )
    elif kind.startswith("pipeline"):
        for stage in getattr(body, "pipeline", body).models:
            yield from _nodes(stage, tensors)
    else:
        yield Node(kind, kind, "coreml", custom=kind == "customModel")


def _operations(block: Any, tensors: dict[str, Tensor], depth: int) -> Iterator[Node]:
    for operation in block.operations:
        for value in operation.outputs:
            tensors[value.name] = _value(value.type)
        inputs = tuple(a.name for argument in operation.inputs.values() for a in argument.arguments if a.name)
        outputs = tuple(value.name for value in operation.outputs)
        yield Node(outputs[0] if outputs else operation.type, operation.type, "coreml", 1, inputs, outputs, depth=depth)
        for nested in operation.blocks:
            yield from _operations(nested, tensors, depth + 1)


def _value(type: Any) -> Tensor:
    if type.WhichOneof("type") != "tensorType":
        return Tensor()
    of = type.tensorType
    dims = (dim.constant.size if dim.WhichOneof("dimension") == "constant" else None for dim in of.dimensions)
    return Tensor(_MIL.get(of.dataType, ""), tuple(dims))


def _feature(type: Any) -> Tensor:
    kind = type.WhichOneof("Type")
    if kind == "imageType":
        return Tensor("uint8", (type.imageType.height or None, type.imageType.width or None))
    if kind != "multiArrayType":
        return Tensor({"int64Type": "int64", "doubleType": "double", "stringType": "string"}.get(kind, ""), ())
    array = type.multiArrayType
    flexible = array.WhichOneof("ShapeFlexibility") is not None
    shape = tuple(array.shape)
    return Tensor(_ARRAY.get(array.dataType, ""), None if flexible or not shape else shape)


def _weights(spec: Any, size: int) -> Mapping[str, int]:
    """Bytes by dtype of the values in a program's weight file; of anything else, the file's size."""
    if spec.WhichOneof("Type") != "mlProgram":
        return {"all": size}
    found: Counter[str] = Counter()
    for function in spec.mlProgram.functions.values():
        for tensor, width in _stored(function.block_specializations[function.opset]):
            found[tensor.dtype] += prod(length or 0 for length in tensor.shape or ()) * width
    return dict(found)


_WIDTHS = {"float": 4, "float16": 2, "double": 8, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "int32": 4}


def _stored(block: Any) -> Iterator[tuple[Tensor, int]]:
    for operation in block.operations:
        for value in operation.attributes.values():
            if value.WhichOneof("value") == "blobFileValue":
                tensor = _value(value.type)
                yield tensor, _WIDTHS.get(tensor.dtype, 1)
        for nested in operation.blocks:
            yield from _stored(nested)
