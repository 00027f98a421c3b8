"""The outputs of a TensorFlow graph's operators: the frozen graph is run once, and every floating tensor fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .layers import LayerValue, Recorder

if TYPE_CHECKING:
    from ...engines.tensorflow.freeze import FrozenGraph, GraphModel
    from ...signature import Array, Feed

_NO_LAYER = {"Const", "Placeholder", "PlaceholderWithDefault", "Identity", "NoOp"}


def trace(model: GraphModel, feed: Feed) -> tuple[dict[str, Array], list[LayerValue]]:
    """The outputs of the model and of its operators. A graph with tables, or above 2 GB, isn't traced."""
    frozen, recorder = model.freeze(), Recorder()
    if not frozen.tables and not frozen.detached:
        _run(frozen, feed, recorder)
    return model.run(feed), recorder.layers


def _run(frozen: FrozenGraph, feed: Feed, recorder: Recorder) -> None:
    import tensorflow as tf

    with tf.Graph().as_default() as graph:
        tf.import_graph_def(frozen.graph_def, name="")
        tensors = _floating(graph, [graph.get_tensor_by_name(name).op for name in frozen.inputs.values()])
        with tf.compat.v1.Session(graph=graph) as session:
            values = session.run(tensors, {frozen.inputs[name]: array for name, array in feed.items()})
    for tensor, value in zip(tensors, values, strict=True):
        recorder.add(tensor.name.removesuffix(":0"), tensor.op.type, (tensor.op.name,), [value])


def _floating(graph: Any, inputs: list[Any]) -> list[Any]:
    """The floating tensors that depend on an input, in the graph's order, which is topological."""
    import tensorflow as tf

    reached, found = set(inputs), []
    for op in graph.get_operations():
        if not any(tensor.op in reached for tensor in op.inputs):
            continue
        reached.add(op)
        known = (tf.float16, tf.float32, tf.float64)
        found += [tensor for tensor in op.outputs if tensor.dtype in known and op.type not in _NO_LAYER]
    return found
