"""Constant folding: nodes whose inputs are all known are computed in the source's own dtypes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

from .values import Operand


def fold(node: onnx.NodeProto, inputs: Sequence[Operand | None], opsets: Mapping[str, int]) -> list[Operand]:
    """The node's outputs, by ONNX' reference implementation. Raises whatever it raises."""
    names = [f"i{i}" if value is not None else "" for i, value in enumerate(inputs)]
    alone = onnx.NodeProto()
    alone.CopyFrom(node)
    del alone.input[:], alone.output[:]
    alone.input.extend(names)
    alone.output.extend(f"o{i}" if name else "" for i, name in enumerate(node.output))
    given = [(name, value) for name, value in zip(names, inputs, strict=True) if value is not None]
    graph = onnx.helper.make_graph(
        [alone],
        "folded",
        [onnx.ValueInfoProto(name=name) for name, _ in given],
        [onnx.ValueInfoProto(name=name) for name in alone.output if name],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid(d, v) for d, v in opsets.items()])
    results = iter(ReferenceEvaluator(model).run(None, {name: value.content for name, value in given}))
    return [_known(next(results)) if name else Operand(None, np.dtype(bool)) for name in node.output]


def _known(result: Any) -> Operand:
    if isinstance(result, list):
        values = tuple(_known(item) for item in result)
        return Operand(values, values[0].dtype if values else np.dtype("float32"))
    array = np.asarray(result)
    return Operand(array, array.dtype)
