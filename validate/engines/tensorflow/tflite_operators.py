"""TensorFlow's own operators in a TensorFlow Lite model: some builds of the interpreter run them, files included."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ...errors import ParityGateError
from .operators import effect_of

_PREFIX = b"Flex"


def check_operators(path: Path) -> None:
    """Refuse TensorFlow operators that do more than compute.

    Raises ParityGateError PG402 where the file can't be parsed, PG501.
    """
    from tensorflow.lite.python import schema_py_generated as schema

    content = path.read_bytes()
    if _PREFIX not in content:
        return
    try:
        model = schema.Model.GetRootAs(content, 0)
        found = [f"{node.op} ({effect})" for node in _nodes(model, len(content)) if (effect := effect_of(node))]
    except Exception as error:  # the generated code follows offsets of the file, wherever they lead
        raise ParityGateError("PG402", str(path), f"its operators can't be parsed: {error}") from error
    if found:
        raise ParityGateError(
            "PG501", str(path), f"it has TensorFlow operators that do more than compute: {', '.join(found[:6])}",
            "Pass --trust if you trust the file's author.",
        )  # fmt: skip


def custom_operators(path: Path) -> list[str]:
    """The names of the operators that aren't TensorFlow Lite's own; empty where the file can't be parsed."""
    from tensorflow.lite.python import schema_py_generated as schema

    content = path.read_bytes()
    try:
        model = schema.Model.GetRootAs(content, 0)
        codes = [code.CustomCode() for code in _each(model.OperatorCodes, model.OperatorCodesLength(), len(content))]
    except Exception:  # noqa: BLE001  # the generated code follows offsets of the file, wherever they lead
        return []
    return sorted({code.decode(errors="replace") for code in codes if code})


def _nodes(model: Any, size: int) -> Iterator[Any]:
    """The ``NodeDef`` of every such operator: its options are a list of a name and the message."""
    from flatbuffers import flexbuffers
    from tensorflow.core.framework import node_def_pb2

    codes = [code.CustomCode() or b"" for code in _each(model.OperatorCodes, model.OperatorCodesLength(), size)]
    for graph in _each(model.Subgraphs, model.SubgraphsLength(), size):
        for operator in _each(graph.Operators, graph.OperatorsLength(), size):
            if codes[operator.OpcodeIndex()].startswith(_PREFIX):
                options = flexbuffers.GetRoot(bytes(operator.CustomOptionsAsNumpy())).AsVector
                yield node_def_pb2.NodeDef(op=str(options[0].AsString))
                yield node_def_pb2.NodeDef.FromString(bytes(options[1].AsStringBytes))


def _each(get: Callable[[int], Any], count: int, size: int) -> Iterator[Any]:
    if count * 4 > size:
        raise ValueError(f"a list of {count} entries doesn't fit into the file")
    return map(get, range(count))
