"""ONNX classifiers whose scores are a dictionary per row (ZipMap), as skl2onnx and onnxmltools write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import ParityGateError
from ..signature import ClassLabel, TensorSpec

if TYPE_CHECKING:
    import onnx

    from ..signature import Array

_TYPE = "seq(map("


def is_zipped(kind: str) -> bool:
    """Whether ONNX Runtime's name of a type is that of dictionaries, one per row."""
    return kind.startswith(_TYPE)


def zipped_classes(model: onnx.ModelProto) -> dict[str, tuple[ClassLabel, ...]]:
    """Output -> its classes in ascending order, which is the order of ONNX Runtime's maps."""
    found: dict[str, tuple[ClassLabel, ...]] = {}
    for node in model.graph.node:
        if node.op_type == "ZipMap":
            labels = [entry for a in node.attribute for entry in (*a.ints, *(text.decode() for text in a.strings))]
            found[node.output[0]] = tuple(sorted(labels))
    return found


def table_spec(name: str, classes: Sequence[ClassLabel], batch: Any) -> TensorSpec:
    """The dictionaries as a table, float32 (rows, classes)."""
    return TensorSpec(name, "float32", (batch, len(classes) or f"{name}_1"))


def table_of(name: str, rows: Sequence[Mapping[ClassLabel, float]]) -> Array:
    """The dictionaries of all rows as a table. Raises ParityGateError PG302 where their keys differ."""
    import numpy as np

    keys = sorted(rows[0]) if rows else []
    if any(row.keys() != set(keys) for row in rows):
        raise ParityGateError("PG302", name, "its dictionaries have different keys from row to row")
    return np.array([[row[key] for key in keys] for row in rows], np.float32).reshape(len(rows), len(keys))
