"""Runs one operator twice: through coremltools' own numpy ``value_inference``, and through its lowering."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from whole import coremltools

from paritygate.validate.coreml import ops  # noqa: F401  fills the registry
from paritygate.validate.coreml.bind import MIL, Op, TensorType
from paritygate.validate.coreml.features import Feature
from paritygate.validate.coreml.files.weights import Blobs
from paritygate.validate.coreml.graph import Graph, Tensor
from paritygate.validate.coreml.lower import Lowered
from paritygate.validate.coreml.runtime import Session


def by_value_inference(op: str, arguments: Mapping[str, Any], opset: int) -> list[np.ndarray]:
    """What coremltools computes when all arguments are constants, in the types that it declares."""
    ct = coremltools()
    from coremltools.converters.mil import Builder
    from coremltools.converters.mil.mil import Function, types

    with Function({}, opset_version=getattr(ct.target, f"iOS{opset}")):
        results = getattr(Builder, op)(**arguments)
    results = results if isinstance(results, (list, tuple)) else [results]
    assert all(r.val is not None for r in results), f"{op} has no value inference for these arguments"
    return [np.asarray(r.val).astype(types.nptype_from_builtin(r.dtype)) for r in results]


def by_lowering(
    op: str, arguments: Mapping[str, Any], opset: int, declared: Collection[np.ndarray], computed: Collection[str]
) -> list[np.ndarray]:
    """What ONNX Runtime computes from the lowering; ``computed`` arguments are inputs of the graph, not constants.

    A computed tuple is several inputs.
    """
    g = Graph()
    parts = {k: v if isinstance(v, tuple) else (v,) for k, v in arguments.items() if k in computed}
    arrays = {f"{k}{i}": np.asarray(v) for k, values in parts.items() for i, v in enumerate(values)}
    inside = {name: g.input(name, a.dtype, a.shape) for name, a in arrays.items()}
    given = {k: [inside[f"{k}{i}"] for i in range(len(parts[k]))] if k in parts else [_constant(g, v)]
             for k, v in arguments.items()}  # fmt: skip
    types = tuple(TensorType(d.dtype, d.shape) for d in declared)
    operation = Op(op, "tested", opset, types)
    results = MIL.find(operation)(g, operation, given)
    for i, result in enumerate(results):
        g.output(result, f"output{i}")
    inputs = tuple(Feature(k, "multiArrayType", a.dtype, a.shape) for k, a in arrays.items())
    outputs = tuple(Feature(f"output{i}", "multiArrayType", d.dtype, d.shape) for i, d in enumerate(declared))
    values = Session(Lowered(g, inputs, outputs, (), Blobs(Path()))).run(arrays)
    return [values[f"output{i}"] for i in range(len(types))]


def _constant(g: Graph, value: Any) -> Tensor:
    """A constant as programs store it: integers in 32 bits, Python floats in single precision."""
    array = np.asarray(value)
    return g.const(
        array.astype({"i": np.int32, "f": array.dtype if array.ndim else np.float32}.get(array.dtype.kind, array.dtype))
    )
