"""Names that no value of a model has yet."""

from __future__ import annotations

from collections.abc import Iterator

import onnx

from .....validate.onnx_graphs import all_graphs


class Names:
    """Gives out names that are free in the whole model, the graphs nested in it included."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._taken = set(_all_names(model))

    def free(self, base: str) -> str:
        """A name that begins with ``base``."""
        number = 1
        while (name := f"{base}_{number}") in self._taken:
            number += 1
        self._taken.add(name)
        return name


def _all_names(model: onnx.ModelProto) -> Iterator[str]:
    for graph in all_graphs(model.graph):
        yield from (value.name for value in (*graph.input, *graph.output, *graph.initializer, *graph.value_info))
        for node in graph.node:
            yield from (*node.input, *node.output)
