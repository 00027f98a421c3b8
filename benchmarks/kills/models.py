"""Two models of each kind, and what OUTPUT holds afterwards."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

KINDS: Mapping[str, str] = {"onnx": "model.onnx", "external data": "model.onnx", "mlpackage": "Model.mlpackage"}
"""Kind -> the name of OUTPUT."""

WIDTH = 512


def scaled(factor: float) -> onnx.ModelProto:
    """y = factor * x, with the factor as an initializer."""
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", WIDTH]) for name in ("x", "y")]
    weight = numpy_helper.from_array(np.full(WIDTH, factor, np.float32), "w")
    graph = helper.make_graph([helper.make_node("Mul", ["x", "w"], ["y"])], "g", value[:1], value[1:], [weight])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def source(folder: Path, factor: float, *, external: bool) -> Path:
    """A model as a user may have it."""
    folder.mkdir(parents=True)
    options = {"save_as_external_data": True, "location": "source.data", "size_threshold": 0} if external else {}
    onnx.save(scaled(factor), str(folder / "source.onnx"), **options)
    return folder / "source.onnx"


def candidate(folder: Path, kind: str, factor: float, output: Path) -> Path:
    """A proved candidate in a job folder, as ``publish`` gets it."""
    from paritygate.convert.export import use_free_data_name
    from paritygate.convert.routes.onnx.save import save_onnx

    folder.mkdir(parents=True)
    path = folder / output.name
    if kind == "mlpackage":
        (path / "Data" / "com.apple.CoreML").mkdir(parents=True)
        (path / "Manifest.json").write_text(f'{{"factor": {factor}}}')
        (path / "Data" / "com.apple.CoreML" / "model.mlmodel").write_bytes(bytes([int(factor)]) * 4096)
        return path
    save_onnx(scaled(factor), path, inline_limit=0 if kind == "external data" else 10**6)
    use_free_data_name(path, output)
    return path


@dataclass(frozen=True, slots=True)
class State:
    """What lies in OUTPUT's folder: OUTPUT by its content (None where it is missing), and the names beside it."""

    content: str | None
    beside: tuple[str, ...]


def state_of(output: Path) -> State:
    """Read OUTPUT with the data that it refers to. What cannot be read is content like any other, and no model."""
    used = {output}
    if output.is_dir():
        used |= set(output.rglob("*"))
    elif output.is_file():
        used |= {output.parent / name for name in _data_names(output)}
    files = sorted(path for path in used if path.is_file())
    content = hashlib.sha256(b"".join(_shape(path, output) for path in files)).hexdigest()
    beside = tuple(sorted(path.name for path in output.parent.iterdir() if path not in used))
    return State(content if output.exists() else None, beside)


def _data_names(model: Path) -> set[str]:
    tensors = onnx.load(str(model), load_external_data=False).graph.initializer
    return {entry.value for tensor in tensors for entry in tensor.external_data if entry.key == "location"}


def _shape(path: Path, output: Path) -> bytes:
    """What tells one model from another: an ONNX model's values, as the name of its data is drawn at random; names and
    lengths in a package, whose manifest has random numbers too, and the bytes of its weights.
    """
    if path == output and path.suffix == ".onnx":
        try:
            model = onnx.load(str(path))
        except Exception as error:  # noqa: BLE001  # any failure to read it is a result
            return f"unreadable: {error}".encode()
        return numpy_helper.to_array(model.graph.initializer[0]).tobytes()
    if output.suffix == ".onnx":
        return b""
    weights = output / "Data" / "com.apple.CoreML" / "weights" / "weight.bin"
    told_by = path == weights or not weights.exists()
    return f"{path.relative_to(output)} {path.stat().st_size} ".encode() + (path.read_bytes() if told_by else b"")


def empty(folder: Path) -> Path:
    """The folder, with nothing in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
