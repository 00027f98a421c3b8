"""The outputs of the layers inside a source for one feed; needed only after a failure.

Each other module of this folder has one function, ``trace(model, feed) -> (outputs, layers)``, for some formats.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...engines.base import Graphed, Model

if TYPE_CHECKING:
    from ...signature import Array, Feed

TRACERS = {
    "keras": "keras",
    "torch_module": "torch",
    "torch_factory": "torch",
    "torch_export": "torch",
    "torchscript": "torch",
    "saved_model": "tensorflow",
    "graphdef": "tensorflow",
}
"""Format -> the module that traces its models; a model that runs as an ONNX graph needs none."""

_MOST_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class LayerValue:
    """One floating output of one layer: ``scopes`` are names that a converter may keep, ``kind`` the layer's type."""

    name: str
    kind: str
    scopes: tuple[str, ...]
    value: Array


@dataclass(slots=True)
class Recorder:
    """Collects layers in the order in which they finish, up to one gigabyte.

    Further calls of a layer, such as the steps of a recurrence, are named ``name#2``, ``name#3``, ... up to ``calls``.
    """

    calls: int = 8
    layers: list[LayerValue] = field(default_factory=list)
    _bytes: int = 0
    _counts: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, kind: str, scopes: tuple[str, ...], values: Iterable[Array]) -> None:
        """Record a layer's floating outputs; they are copied, since layers may work in place."""
        for value in values:
            count = self._counts[name] = self._counts.get(name, 0) + 1
            self._bytes += value.nbytes
            if value.dtype.kind == "f" and count <= self.calls and self._bytes <= _MOST_BYTES:
                label = name if count == 1 else f"{name}#{count}"
                self.layers.append(LayerValue(label, kind, scopes, value.copy()))


def traceable(name: str) -> bool:
    """Whether the layers of a format's models can be traced."""
    return name in TRACERS or name in ("onnx", "coreml")


def trace(name: str, model: Model, feed: Feed) -> tuple[dict[str, Array], list[LayerValue]]:
    """The outputs of a model of the format ``name``, and those of its layers, in order of execution.

    The list of layers is empty if they can't be traced. Raises whatever the model raises.
    """
    if isinstance(model, Graphed):
        return _graph_layers(model, feed)
    if name not in TRACERS:
        return model.run(feed), []
    tracer: Any = importlib.import_module(f"{__package__}.{TRACERS[name]}")
    outputs, layers = tracer.trace(model, feed)
    return outputs, layers


def _graph_layers(model: Any, feed: Feed) -> tuple[dict[str, Array], list[LayerValue]]:
    """Every floating tensor of the graph as a layer, by the tensor's name and its operator's type."""
    from ..graph import floating
    from ..probe import Probe

    probe = Probe(model, feed)
    graph = probe.graph()
    kinds = {name: node.op_type for node in graph.graph.node for name in node.output}
    recorder = Recorder()
    for name, value in probe.read(floating(graph)).items():
        recorder.add(name, kinds[name], (name,), [value])
    return model.run(feed), recorder.layers
