"""NVIDIA TensorRT's ONNX parser, and Jetson boards by the JetPack that brings a TensorRT."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..facts import cite, read
from ..model import ModelFacts, Node
from ..values import Effect, Reason
from ..versions import parse, within
from .limits import holds
from .onnxruntime import names

RELEASES = tuple(row["tensorrt"] for row in read("tensorrt")["releases"])
JETPACKS = ("4.6", "4.6.1", "5", "6.0", "6.1", "6.2", "7")
_OF_JETPACK = {"4.6": "8.0", "4.6.1": "8.2", "6.1": "10.3", "6.2": "10.3"}
"""JetPack -> TensorRT, where the facts tell it."""

_TYPES = {
    "float": "FP32", "float16": "FP16", "bfloat16": "BF16", "int32": "INT32", "int64": "INT64", "bool": "BOOL",
    "int8": "INT8", "uint8": "UINT8", "float8e4m3fn": "FP8", "int4": "INT4", "double": "DOUBLE",
}  # fmt: skip

_NARROWED = {"double": "FP32", "int64": "INT32"}
"""What the parser makes of dtypes that TensorRT lacks: double always, int64 before release 10."""


def on_tensorrt(model: ModelFacts, release: str) -> Iterator[Reason]:
    """What the parser of a release refuses. Building the engine on the GPU can still fail."""
    source, row = cite("tensorrt", ["matrix"]), _nearest(release)
    opset = model.opsets.get("ai.onnx", 0)
    if opset > row["opset_max"]:
        fix = ("--opset", str(row["opset_max"]))
        text = f"opset {opset}; the parser of TensorRT {row['tensorrt']} takes at most {row['opset_max']}"
        yield Reason("opset", Effect.REFUSES, text, source=source, remedy="Lower the opset.", fix=fix)
    yield from _operators(model, row["tensorrt"])
    narrowed = sorted({t.dtype for t in model.tensors.values() if t.dtype == "double" or _int64(t.dtype, release)})
    if narrowed:
        text = f"{', '.join(narrowed)} values are narrowed and clamped"
        yield Reason("narrowed", Effect.INFORMS, text, source=source)
    text = "the parser's matrix was checked; an engine is built on the GPU that runs it, which can still fail"
    yield Reason("engine", Effect.INFORMS, text, source=source)


def _int64(dtype: str, release: str) -> bool:
    return dtype == "int64" and parse(release) < (10,)


def _nearest(release: str) -> Mapping[str, Any]:
    """The newest matrix that isn't newer than the release."""
    rows: list[Mapping[str, Any]] = read("tensorrt")["releases"]
    return [row for row in rows if parse(row["tensorrt"]) <= parse(release)][-1]


def _operators(model: ModelFacts, release: str) -> Iterator[Reason]:
    source, table = cite("tensorrt", ["matrix"]), read("tensorrt")["ops"]
    found: dict[tuple[str, Effect], list[Node]] = {}
    for node in model.nodes:
        if node.operator == "Constant":
            continue
        for text, effect in _of_node(node, model, table, release):
            found.setdefault((text, effect), []).append(node)
    for (text, effect), nodes in found.items():
        yield Reason("operator", effect, text, names(nodes), source)


def _of_node(node: Node, model: ModelFacts, table: Mapping[str, Any], release: str) -> Iterator[tuple[str, Effect]]:
    rows = [row for row in table.get(node.operator, ()) if within(release, row[0])]
    if node.domain != "ai.onnx" or not rows:
        yield f"{node.operator} isn't taken by the parser", Effect.REFUSES
        return
    _, types, limits = (*rows[0], [])[:3]
    for dtype in sorted(set(node.types.values())):
        asked = {_TYPES.get(dtype, dtype.upper()), _NARROWED.get(dtype, "")}
        if types and dtype and not asked & set(types) and not (dtype == "int64" and "INT32" in types):
            yield f"{node.operator} isn't taken for {dtype}", Effect.REFUSES if dtype in _FLOATING else Effect.OPEN
    for limit in limits or ():
        held = holds(limit, node, model)
        if held is False:
            yield f"{node.operator} is taken only with: {limit}", Effect.REFUSES
        elif held is None:
            yield f"{node.operator} is taken only with: {limit}; the file doesn't tell", Effect.OPEN


_FLOATING = frozenset({"float", "float16", "bfloat16", "string", "complex64"})
"""Dtypes of data. Integers are often lengths, which the parser folds away before it looks at the table."""


def on_jetson(model: ModelFacts, jetpack: str) -> Iterator[Reason]:
    """TensorRT as a JetPack brings it."""
    release = _OF_JETPACK.get(jetpack)
    if release is None:
        yield Reason(
            "tensorrt", Effect.OPEN, f"which TensorRT JetPack {jetpack} brings isn't known", source=cite("tensorrt")
        )
        return
    yield from on_tensorrt(model, release)
