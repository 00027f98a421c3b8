"""ONNX to Core ML: every operator through coremltools' MIL builder (see :mod:`.onnx_coreml`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...validate.engines.base import Model
from ...validate.errors import ParityGateError
from ...validate.signature import STRING
from .base import Candidate, ConvertOptions
from .coreml.build import convert_with, finish, precision_of
from .coreml.ports import Port, ports_of, tensor_types
from .coreml.target import coremltools, target_of
from .opset import opset_of, raise_opset

if TYPE_CHECKING:
    import onnx

OLDEST_OPSET = 7
"""Operators of older models are moved up first: their broadcasting is not numpy's."""

ROUTE = "onnx to MIL"


def convert(model: Model, destination: Path, options: ConvertOptions) -> Candidate:
    """Translate the ONNX file ``model.native``. Raises PG404, PG405, PG408 and, for options that don't fit, PG201."""
    target = target_of(destination, options)
    coremltools()
    from .onnx_coreml.program import program_of

    graph = read(model.native)
    _refuse_text(model)
    ports = tuple(_at_least_rank_1(port) for port in ports_of(model.signature, options))
    names = {port.source: port.feature for port in ports}
    tensors = tensor_types(ports, names, target)
    program, target = program_of(graph, ports, tensors, model.signature, target)
    made = convert_with("milinternal", program, tensors, target, **precision_of(options, target))
    return finish(made, model.signature, ports, names, destination, route=ROUTE, metadata=_metadata(graph))


def read(path: Path) -> onnx.ModelProto:
    """The model with its local functions inlined, at an opset that the translations know."""
    import onnx
    from onnx import inliner

    model = onnx.load(str(path))
    if model.functions:
        model = inliner.inline_local_functions(model)
    return raise_opset(model, OLDEST_OPSET) if opset_of(model) < OLDEST_OPSET else model


def _at_least_rank_1(port: Port) -> Port:
    return port if port.shape else replace(port, shape=(1,))


def _refuse_text(model: Model) -> None:
    texts: Sequence[str] = [s.name for s in (*model.signature.inputs, *model.signature.outputs) if s.dtype == STRING]
    if texts:
        raise ParityGateError("PG404", ", ".join(texts), "Core ML has no tensors of text")


def _metadata(model: onnx.ModelProto) -> dict[str, str]:
    """What the model tells about itself."""
    told = {entry.key.lower(): entry.value for entry in model.metadata_props}
    found = {
        "author": told.get("author") or model.producer_name,
        "license": told.get("license", ""),
        "version": told.get("version") or (str(model.model_version) if model.model_version else ""),
        "description": model.doc_string or told.get("description", ""),
    }
    return {key: text for key, text in found.items() if text}
