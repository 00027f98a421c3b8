"""Which outputs of a graph are the same whatever it is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import onnx

from ..engines.base import Graphed
from ..onnx_graphs import inline_functions
from .tensors import input_dependent

if TYPE_CHECKING:
    from ..signature import Array


def fixed_outputs(model: onnx.ModelProto) -> frozenset[str]:
    """The outputs that depend on no value of an input, but at most on shapes."""
    graph = inline_functions(model).graph
    return frozenset(output.name for output in graph.output) - input_dependent(graph)


def fixed_outputs_of(model: object, outputs: Sequence[Mapping[str, Array]]) -> frozenset[str] | None:
    """The same of a loaded model; None where its graph isn't known.

    The graph is only asked for where one of the ``outputs``, given by sample, hasn't changed.
    """
    if not isinstance(model, Graphed):
        return None
    if not any(_same_rows([output[name] for output in outputs]) for name in (outputs[0] if outputs else ())):
        return frozenset()
    found: list[frozenset[str]] = []

    def read(graph: onnx.ModelProto) -> onnx.ModelProto:
        found.append(fixed_outputs(graph))
        return graph

    model.variant(read, optimise=False)
    return found[-1]


def _same_rows(arrays: Sequence[Array]) -> bool:
    """Whether all rows of all arrays are equal; scalars and vectors are rows themselves."""
    rows = [array if array.ndim > 1 else array[None] for array in arrays]
    first = next((array[:1] for array in rows if array.size), None)
    return first is not None and all(
        array.shape[1:] == first.shape[1:] and bool((array == first).all()) for array in rows if array.size
    )
