"""Writes a lowered model as an ONNX file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import onnx

from .lower import Lowered

if TYPE_CHECKING:
    from ..signature import Array

_PROTOBUF_LIMIT = 1 << 30  # bytes; protobuf itself ends at 2 GiB


def write_onnx(lowered: Lowered, path: Path) -> None:
    """Write ``lowered`` to ``path``; weights of more than 1 GiB go to ``<path>.data``."""
    model, weights = lowered.graph.build()
    tensors = {t.name: t for t in model.graph.initializer}
    if sum(w.nbytes for w in weights.values()) > _PROTOBUF_LIMIT:
        _write_beside(tensors, weights, path.with_name(f"{path.name}.data"))
    else:
        for name, array in weights.items():
            tensors[name].ClearField("external_data")
            tensors[name].data_location = onnx.TensorProto.DEFAULT
            tensors[name].raw_data = array.tobytes()
    path.write_bytes(model.SerializeToString())


def _write_beside(tensors: Mapping[str, onnx.TensorProto], weights: Mapping[str, Array], path: Path) -> None:
    with path.open("wb") as file:
        for name, array in weights.items():
            offset = file.tell()
            array.tofile(file)
            tensor = tensors[name]
            tensor.ClearField("external_data")
            for key, value in {"location": path.name, "offset": offset, "length": array.nbytes}.items():
                tensor.external_data.add(key=key, value=str(value))
