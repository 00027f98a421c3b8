"""Keep ONNX Runtime from fusing a Pad into a MaxPool, which pads with a different value."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

_BETWEEN = {"Transpose", "Identity"}


def guard_padded_pools(graph: onnx.GraphProto) -> None:
    """Insert a Max of the value with itself between a Pad and a MaxPool: an identity that prevents the fusion.

    ONNX Runtime's Pad_Fusion replaces a Pad with zeros by the pool's own padding, which is minus infinity: if a window
    at the border has only negative values, the output is wrong (ResNet50V2, with ONNX Runtime 1.31). A model file can't
    disable the fusion.
    """
    made_by = {output: node for node in graph.node for output in node.output}
    nodes = []
    for node in graph.node:
        if node.op_type == "MaxPool" and _is_padded(node, made_by):
            nodes.append(_guard(node))
        nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)


def guard_file(path: Path) -> None:
    """The same for a model file; external data stays where it is."""
    import onnx

    model = onnx.load(str(path), load_external_data=False)
    guard_padded_pools(model.graph)
    path.write_bytes(model.SerializeToString())


def _is_padded(pool: onnx.NodeProto, made_by: dict[str, onnx.NodeProto]) -> bool:
    node = made_by.get(pool.input[0])
    while node is not None and node.op_type in _BETWEEN:
        node = made_by.get(node.input[0])
    return node is not None and node.op_type == "Pad"


def _guard(pool: onnx.NodeProto) -> onnx.NodeProto:
    from onnx import helper

    padded, guarded = pool.input[0], f"{pool.output[0]}/padded"
    pool.input[0] = guarded
    return helper.make_node("Max", [padded, padded], [guarded], name=f"{pool.name}/keep_padding")
