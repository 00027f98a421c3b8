"""Sparse weights of a TensorFlow Lite file as dense ones, which tf2onnx can read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ....validate.signature import Array

_DENSE = 0
"""``DimensionType.DENSE``"""


def with_dense_weights(path: Path, folder: Path) -> Path:
    """The file itself, or a copy in ``folder`` without sparse tensors and without DENSIFY, which unpacks them."""
    from tensorflow.lite.python import schema_py_generated as schema
    from tensorflow.lite.tools import flatbuffer_utils

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes(), 0))
    sparse = [tensor for graph in model.subgraphs for tensor in graph.tensors if tensor.sparsity is not None]
    if not sparse:
        return path
    dtypes = {schema.TensorType.FLOAT32: np.float32, schema.TensorType.FLOAT16: np.float16}
    for tensor in sparse:
        buffer = model.buffers[tensor.buffer]
        stored = np.asarray(buffer.data, np.uint8).view(dtypes.get(tensor.type, np.int8))
        model.buffers.append(schema.BufferT())  # a buffer may be shared
        model.buffers[-1].data = dense(stored, tensor.shape, tensor.sparsity).view(np.uint8).ravel()
        tensor.buffer, tensor.sparsity = len(model.buffers) - 1, None
    for graph in model.subgraphs:
        _drop_densify(graph, model.operatorCodes, schema.BuiltinOperator.DENSIFY)
    copy = folder / "dense.tflite"
    flatbuffer_utils.write_model(model, str(copy))
    return copy


def dense(stored: Array, shape: Sequence[int], sparsity: Any) -> Array:
    """The whole array [*shape] of the numbers that a tensor stores, by its ``SparsityParametersT``.

    Each level of the format has the places of one axis, or those inside of a block of one; a level lists all of them
    or, for each place of the level before, those that are stored (schema.fbs, ``SparsityParameters``).
    """
    places = np.zeros((1, 0), np.int64)
    for level in sparsity.dimMetadata:
        if level.format == _DENSE:
            count = len(places)
            places = np.repeat(places, level.denseSize, axis=0)
            new = np.tile(np.arange(level.denseSize), count)
        else:
            places = np.repeat(places, np.diff(level.arraySegments.values), axis=0)
            new = np.asarray(level.arrayIndices.values)
        places = np.column_stack([places, new])
    by_axis = dict(zip(map(int, sparsity.traversalOrder), places.T, strict=True))
    sizes = dict(
        zip(map(int, sparsity.traversalOrder), (level.denseSize for level in sparsity.dimMetadata), strict=True)
    )
    blocks = [] if sparsity.blockMap is None else [int(axis) for axis in sparsity.blockMap]
    for number, axis in enumerate(blocks, start=len(shape)):
        by_axis[axis] = by_axis[axis] * sizes[number] + by_axis[number]
    whole = np.zeros(tuple(shape), stored.dtype)
    whole[tuple(by_axis[axis] for axis in range(len(shape)))] = stored
    return whole


def _drop_densify(graph: Any, codes: Sequence[Any], densify: int) -> None:
    """Let the readers of a DENSIFY's output read its input."""
    is_densify = [densify in (code.builtinCode, code.deprecatedBuiltinCode) for code in codes]
    unpacking = [operator for operator in graph.operators if is_densify[operator.opcodeIndex]]
    sources = {int(operator.outputs[0]): int(operator.inputs[0]) for operator in unpacking}
    graph.operators = [operator for operator in graph.operators if operator not in unpacking]
    for operator in graph.operators:
        operator.inputs = [sources.get(int(number), int(number)) for number in operator.inputs]
