"""Constants of an ONNX graph as initializers, which is where rewritings look for weights."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def lift_constants(graph: onnx.GraphProto) -> None:
    """Make initializers of the nodes that give floating constants, in place; those of inner graphs stay."""
    found = [(each, tensor) for each in graph.node for tensor in _constant(each)]
    for node, tensor in found:
        graph.initializer.append(tensor)
        graph.node.remove(node)


def _constant(node: onnx.NodeProto) -> Iterator[onnx.TensorProto]:
    if node.op_type != "Constant" or node.domain not in ("", "ai.onnx"):
        return
    for attribute in node.attribute:
        value = helper.get_attribute_value(attribute)
        if attribute.name == "value" and value.data_type == TensorProto.FLOAT:
            yield numpy_helper.from_array(numpy_helper.to_array(value), node.output[0])
        elif attribute.name in ("value_float", "value_floats"):
            yield numpy_helper.from_array(np.asarray(value, np.float32), node.output[0])
