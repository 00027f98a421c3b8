"""The last step of building a graph: drop unused nodes, and keep large constants out of the protobuf."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import onnx
from onnx import numpy_helper

from .onnx_types import element_type

if TYPE_CHECKING:
    from ..signature import Array

_INLINE = 1024  # bytes; a larger constant stays out of the protobuf and is passed to ONNX Runtime by reference


def is_external(array: Array) -> bool:
    """Whether a constant is too large for the protobuf."""
    return array.nbytes > _INLINE and array.dtype.kind not in "UO"


def initializer(name: str, array: Array) -> onnx.TensorProto:
    """The declaration of a constant; the runtime or the writer supplies the content of a large one."""
    if not is_external(array):
        return numpy_helper.from_array(array.astype(object) if array.dtype.kind == "U" else array, name)
    tensor = onnx.TensorProto(name=name, dims=array.shape, data_type=element_type(array.dtype))
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights")
    return tensor


def live_nodes(nodes: Sequence[onnx.NodeProto], outputs: Sequence[onnx.ValueInfoProto]) -> list[onnx.NodeProto]:
    """The nodes that ``outputs`` depend on: rounding nodes are often unused, as their wide input is used instead."""
    needed = {o.name for o in outputs}
    live = []
    for node in reversed(nodes):
        if needed.isdisjoint(node.output):
            continue
        live.append(node)
        needed.update(node.input)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                needed.update(used_names(attribute.g))
    return live[::-1]


def used_names(graph: onnx.GraphProto) -> set[str]:
    """Every name that a node of ``graph`` or of its subgraphs reads."""
    used: set[str] = set()
    for node in graph.node:
        used.update(node.input)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                used |= used_names(attribute.g)
    return used
