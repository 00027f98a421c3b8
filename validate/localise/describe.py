"""From a located tensor to plain values for the report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import helper

from ..onnx_graphs import subgraphs
from ..report.divergence import Divergence, GraphNode, LayerError
from .instrumented import InstrumentedRun
from .layer_matching import Match, MatchedBy
from .layers import Layer
from .locate import Located

if TYPE_CHECKING:
    from ..signature import Array

_MOST_NODES = 8
_LONGEST = 60
_TRAIL = 200


def describe(located: Located, layers: Sequence[Layer], run: InstrumentedRun) -> Divergence:
    """Names, shapes, attributes and the worst element.

    Raises what :meth:`.instrumented.InstrumentedRun.read` raises.
    """
    comparison, alone = located.comparison, located.failing.alone
    index, nodes = comparison.worst, located.first.nodes[-_MOST_NODES:]
    names = [name for node in nodes for name in (*node.input, *node.output) if name]
    values = run.read(list(dict.fromkeys(names)))
    return Divergence(
        tensor=located.match.tensor,
        layer=_layer_name(located.match),
        kind=located.match.layer.kind,
        matched_by=located.match.by.value,
        layers=_between(located, layers),
        agreeing=tuple(name for name in located.first.taken if name in located.agreeing),
        nodes=tuple(_node(node, values) for node in nodes),
        sample=0,
        index=index,
        expected=_number(comparison.expected[index]),
        actual=_number(comparison.actual[index]),
        error=_number(comparison.error[index]),
        allowed=_number(comparison.allowed[index]),
        error_alone=_number(alone.error[alone.worst]),
        starts_here=located.starts_here,
        trail=tuple(_trail(located)),
    )


def _trail(located: Located) -> Iterable[LayerError]:
    """The compared tensors around the first wrong one, each with the element that exceeds its allowance most."""
    names = list(located.compared)
    at = names.index(located.match.tensor) if located.match.tensor in located.compared else 0
    first = max(0, min(at - _TRAIL // 2, len(names) - _TRAIL))
    for name in names[first : first + _TRAIL]:
        match, comparison = located.compared[name]
        if comparison.expected.size:
            error, allowed = comparison.error[comparison.worst], comparison.allowed[comparison.worst]
            largest = np.nan_to_num(np.abs(comparison.expected.astype(np.float64)), posinf=0.0).max()
            layer = _layer_name(match)
            yield LayerError(name, layer, _number(error), _number(allowed), comparison.passes, _number(largest))


def _layer_name(match: Match) -> str:
    """The layer's name; for an output without a layer its name in the reference."""
    return match.layer.scopes[0] if match.by is MatchedBy.OUTPUT else match.layer.name


def _number(value: Any) -> float:
    return float(value)


def _between(located: Located, layers: Sequence[Layer]) -> tuple[str, ...]:
    """The layers that ran after the last one that the part takes its values from, up to the wrong one."""
    order = {id(layer): number for number, layer in enumerate(layers)}
    last = order.get(id(located.match.layer), len(layers) - 1)
    starts = [order.get(id(located.agreeing[name]), -1) for name in located.first.taken if name in located.agreeing]
    first = max((number for number in starts if number < last), default=-1)
    agreeing = {id(layer) for layer in located.agreeing.values()}
    return tuple(layer.name for layer in layers[first + 1 : last + 1] if id(layer) not in agreeing)


def _node(node: onnx.NodeProto, values: Mapping[str, Array]) -> GraphNode:
    attributes = {each.name: _short(each) for each in node.attribute if each.type != onnx.AttributeProto.GRAPH}
    bodies = subgraphs(node)
    return GraphNode(
        node.name or node.output[0],
        f"{node.domain}.{node.op_type}" if node.domain not in ("", "ai.onnx") else node.op_type,
        attributes | ({"bodies": str(len(bodies))} if bodies else {}),
        tuple(_typed(node.input, values)),
        tuple(_typed(node.output, values)),
    )


def _typed(names: Iterable[str], values: Mapping[str, Array]) -> Iterable[str]:
    for name in names:
        if name:
            yield f"{name} {values[name].dtype}{list(values[name].shape)}"


def _short(attribute: onnx.AttributeProto) -> str:
    if attribute.type == onnx.AttributeProto.TENSOR:
        return f"{helper.tensor_dtype_to_string(attribute.t.data_type).rpartition('.')[2]}{list(attribute.t.dims)}"
    value = helper.get_attribute_value(attribute)
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
