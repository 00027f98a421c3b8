"""The coarsest floating type on the way from a graph's inputs to each of its float64 outputs.

An output that is only widened at the end is no better than what was computed before: pitch trackers cast the last step
of a float32 net to float64.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import onnx

from ..engines.base import Graphed
from ..onnx_graphs import inline_functions, names_read
from .precision import ROUNDOFF, ROUNDOFF_OF
from .tensors import input_dependent, tensors_of

_NAMES = {roundoff: name for name, roundoff in ROUNDOFF_OF.items()}


def path_types(model: onnx.ModelProto) -> dict[str, str]:
    """Output -> the coarsest type on its paths, but not coarser than float32, which a file must not fall below unasked.

    Outputs that aren't float64 are left out.
    """
    model = inline_functions(model)
    tensors, dependent = tensors_of(model), input_dependent(model.graph)
    makers = {name: node for node in model.graph.node for name in node.output}
    found = {}
    for output in model.graph.output:
        if tensors.dtypes.get(output.name) == onnx.TensorProto.DOUBLE:
            met = {tensors.dtypes.get(name, 0) for name in _ancestors(output.name, makers, dependent)}
            coarsest = max((ROUNDOFF.get(onnx_type, 0.0) for onnx_type in met), default=0.0)
            found[output.name] = _NAMES[min(max(coarsest, ROUNDOFF_OF["float64"]), ROUNDOFF_OF["float32"])]
    return found


def path_types_of(model: Any) -> Mapping[str, str]:
    """The same of a loaded model; empty where its graph isn't known, or none of its outputs is float64."""
    if not isinstance(model, Graphed) or all(spec.dtype != "float64" for spec in _outputs(model)):
        return {}
    found: dict[str, str] = {}

    def read(graph: onnx.ModelProto) -> onnx.ModelProto:
        found.update(path_types(graph))
        return graph

    model.variant(read, optimise=False)
    return found


def _outputs(model: Any) -> Iterable[Any]:
    return tuple(model.signature.outputs)


def _ancestors(name: str, makers: Mapping[str, onnx.NodeProto], dependent: set[str]) -> set[str]:
    """A tensor and all that it is computed from, so far as these depend on the inputs."""
    found, left = set[str](), [name]
    while left:
        each = left.pop()
        if each in dependent and each not in found:
            found.add(each)
            left += list(names_read(makers[each])) if each in makers else []
    return found
