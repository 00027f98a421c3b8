"""Constants that nothing reads any more, because their readers have become others."""

from __future__ import annotations

import onnx

from .....validate.onnx_graphs import all_graphs


def drop_unread_constants(model: onnx.ModelProto) -> None:
    """Remove unread Constants, and the main graph's unread initializers, in place."""
    read = {name for graph in all_graphs(model.graph) for node in graph.node for name in node.input}
    read |= {value.name for graph in all_graphs(model.graph) for value in (*graph.output, *graph.input)}
    for graph in all_graphs(model.graph):
        for node in [n for n in graph.node if n.op_type == "Constant" and n.output[0] not in read]:
            graph.node.remove(node)
    for tensor in [t for t in model.graph.initializer if t.name not in read]:
        model.graph.initializer.remove(tensor)
