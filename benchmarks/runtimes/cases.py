"""Models with inputs and expected outputs: ONNX' own operator tests, at two opsets where these mean the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import defs

from fixtures import onnx_node_tests

OLDER = (17, 8)
"""An opset and IR version that every release here loads."""

EVERY = 3
"""Of the tests in the order of their names, every so many."""


@dataclass(frozen=True, slots=True)
class Case:
    """A model file, and arrays in the order of its inputs and outputs."""

    name: str
    path: Path
    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]


def cases(folder: Path) -> Iterator[Case]:
    """The chosen tests whose inputs and outputs are tensors of numbers; the models are written to ``folder``."""
    for test in sorted(onnx_node_tests.cases(), key=lambda each: each.name)[::EVERY]:
        arrays = (*test.inputs, *test.outputs)
        if not all(isinstance(array, np.ndarray) and array.dtype.name in _NUMPY for array in arrays):
            continue  # sequences, optionals, types that numpy lacks
        for name, model in ((test.name, test.model), (f"{test.name} at {OLDER[0]}", _older(test.model))):
            if model is not None:
                path = folder / f"{name}.onnx"
                onnx.save(model, str(path))
                yield Case(name, path, test.inputs, test.outputs)


_NUMPY = frozenset(
    ("float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool")
)


def _older(model: onnx.ModelProto) -> onnx.ModelProto | None:
    """The model at the older opset, if every node means the same there."""
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    if set(opsets) != {""} or opsets[""] <= OLDER[0] or model.functions:
        return None
    for node in model.graph.node:
        try:
            now = defs.get_schema(node.op_type, opsets[""], "").since_version
            then = defs.get_schema(node.op_type, OLDER[0], "").since_version
        except defs.SchemaError:
            return None
        if now != then:
            return None
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    copy.ir_version, copy.opset_import[0].version = OLDER[1], OLDER[0]
    return copy
