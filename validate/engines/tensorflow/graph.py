"""TensorFlow graphs run in a session of version 1: frozen GraphDefs, and SavedModels that version 2 can't restore."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ...errors import ParityGateError
from ...signature import Hint, Signature
from ..base import Facts
from .freeze import OUTPUT, FrozenGraph, freeze_session
from .hints import graph_hints
from .nodes import all_nodes
from .tensors import describe, quiet_tensorflow, to_numpy

if TYPE_CHECKING:
    from pathlib import Path

    from ...signature import Array, Feed
    from .saved_files import SavedModelFile


class SessionModel:
    """A graph in a session; ``native`` is the session. Inputs and outputs map names to the graph's tensors."""

    def __init__(
        self,
        session: Any,
        inputs: Mapping[str, Any],
        outputs: Mapping[str, Any],
        facts: Facts,
        notes: tuple[str, ...] = (),
    ) -> None:
        self.native = session
        self.notes = notes
        self._inputs = dict(inputs)
        self._outputs = dict(outputs)
        self._facts = facts
        self.signature = Signature(
            inputs=tuple(describe(name, tensor.dtype, tensor.shape) for name, tensor in inputs.items()),
            outputs=tuple(describe(name, tensor.dtype, tensor.shape) for name, tensor in outputs.items()),
        )

    def run(self, feed: Feed) -> dict[str, Array]:
        """Run the session once."""
        values = self.native.run(self._outputs, {self._inputs[name]: array for name, array in feed.items()})
        return {name: to_numpy(name, value) for name, value in values.items()}

    def weights(self) -> dict[str, Array]:
        """The constants of the frozen graph by their nodes' names, its variables among them."""
        import tensorflow as tf

        found = {node.name: self._frozen.constant(node) for node in self._frozen.graph_def.node}
        floating = {tf.float16.as_datatype_enum, tf.float32.as_datatype_enum, tf.float64.as_datatype_enum}
        tensors = {name: tensor for name, tensor in found.items() if tensor is not None and tensor.dtype in floating}
        return {name: tf.make_ndarray(tensor) for name, tensor in tensors.items()}

    def freeze(self) -> FrozenGraph:
        """The part of the graph that leads to the outputs, its variables as constants; made once."""
        return self._frozen

    @cached_property
    def _frozen(self) -> FrozenGraph:
        return freeze_session(self.native, self._inputs, self._outputs)

    def hints(self) -> tuple[Hint, ...]:
        """Read from the frozen graph."""
        return graph_hints(self._frozen, self.signature)

    def facts(self) -> Facts:
        """Counts from the frozen graph."""
        return frozen_facts(self._facts.format, self._frozen, self._facts.producer, self._facts.size)


def session_from_saved_model(file: SavedModelFile, key: str, failure: Exception | None = None) -> SessionModel:
    """Load a SavedModel's graph and variables without its objects. ``failure`` is the error of version 2, if it tried.

    Raises PG402 with both reasons if this fails, too.
    """
    import tensorflow as tf

    session = tf.compat.v1.Session(graph=tf.Graph())
    try:
        with session.graph.as_default(), quiet_tensorflow():
            meta = tf.compat.v1.saved_model.load(session, list(file.tags), str(file.folder))
    except Exception as error:  # whatever the kernels and importers raise
        earlier = f"{_first_line(failure)}; the version 1 loader: " if failure else ""
        cause = f"{earlier}{_first_line(error)}"
        raise ParityGateError("PG402", str(file.folder), cause) from error
    signature = meta.signature_def[key]
    reason = _first_line(failure) if failure else ""
    note = f"TensorFlow could not restore the model's objects ({reason}); only its graph was loaded"
    return SessionModel(
        session,
        _tensors(session.graph, signature.inputs),
        _tensors(session.graph, signature.outputs),
        Facts("SavedModel", file.producer, size=file.size),
        (note,) if failure else (),
    )


def session_from_graph_def(path: Path, graph_def: Any) -> Any:
    """Import a GraphDef into a session of its own. Raises PG402 if TensorFlow rejects the graph."""
    import tensorflow as tf

    session = tf.compat.v1.Session(graph=tf.Graph())
    try:
        with session.graph.as_default():
            tf.import_graph_def(graph_def, name="")
    except (ValueError, tf.errors.OpError) as error:
        raise ParityGateError("PG402", str(path), f"TensorFlow rejects the graph: {_first_line(error)}") from error
    return session


def frozen_facts(title: str, frozen: FrozenGraph, producer: str = "", size: int | None = None) -> Facts:
    """Operator and parameter counts of a frozen graph; scalars and shapes are constants but not parameters."""
    nodes = all_nodes(frozen.graph_def)
    return Facts(
        format=title,
        producer=producer,
        operators=dict(Counter(node.op for node in nodes if not node.name.startswith(OUTPUT))),
        parameters=sum(_weights(tensor) for tensor in map(frozen.constant, nodes) if tensor is not None),
        size=size,
    )


def _weights(tensor: Any) -> int:
    """Number of elements of a floating constant with at least one axis; else 0."""
    import math

    floating = {1, 2, 14, 19}  # DT_FLOAT, DT_DOUBLE, DT_BFLOAT16, DT_HALF
    dims = [dim.size for dim in tensor.tensor_shape.dim]
    return math.prod(dims) if dims and tensor.dtype in floating else 0


def _tensors(graph: Any, infos: Mapping[str, Any]) -> dict[str, Any]:
    return {name: graph.get_tensor_by_name(infos[name].name) for name in sorted(infos)}


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"
