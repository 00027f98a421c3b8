"""From what was found to plain values for the report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import onnx
from onnx import helper

from ..onnx_graphs import subgraphs
from ..report.divergence import Divergence, GraphNode
from .layers import Layer
from .locate import Found
from .probe import Probe

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..signature import Array

_MOST_NODES = 8
_LONGEST = 60


def describe(graph: onnx.GraphProto, found: Found, layers: Sequence[Layer], probe: Probe) -> Divergence:
    """Names, shapes, attributes and the worst element. Raises what :meth:`.probe.Probe.read` raises."""
    judged, index = found.judged, found.judged.worst
    nodes = found.first.nodes[-_MOST_NODES:]
    names = [name for node in nodes for name in (*node.input, *node.output) if name]
    values = probe.read(list(dict.fromkeys(names)))
    alone = found.failing.alone
    return Divergence(
        tensor=found.pair.tensor,
        layer=found.pair.layer.scopes[0] if found.pair.layer.kind == "output" else found.pair.layer.name,
        kind=found.pair.layer.kind,
        matched_by=found.pair.by,
        layers=_between(found, layers),
        agreeing=tuple(name for name in found.first.taken if name in found.agreeing),
        nodes=tuple(_node(node, values) for node in nodes),
        sample=0,
        index=index,
        expected=_number(judged.want[index]),
        actual=_number(judged.got[index]),
        error=_number(judged.error[index]),
        allowed=_number(judged.allowed[index]),
        error_alone=_number(alone.error[alone.worst]),
        starts_here=found.starts_here,
    )


def _number(value: Any) -> float:
    return float(value)


def _between(found: Found, layers: Sequence[Layer]) -> tuple[str, ...]:
    """The layers that ran after the last one that the part takes its values from, up to the wrong one."""
    order = {id(layer): number for number, layer in enumerate(layers)}
    last = order.get(id(found.pair.layer), len(layers) - 1)
    starts = [order.get(id(found.agreeing[name]), -1) for name in found.first.taken if name in found.agreeing]
    first = max((number for number in starts if number < last), default=-1)
    agreed = {id(layer) for layer in found.agreeing.values()}
    return tuple(layer.name for layer in layers[first + 1 : last + 1] if id(layer) not in agreed)


def _node(node: onnx.NodeProto, values: Mapping[str, Array]) -> GraphNode:
    attributes = {each.name: _short(each) for each in node.attribute if each.type != onnx.AttributeProto.GRAPH}
    return GraphNode(
        node.name or node.output[0],
        f"{node.domain}.{node.op_type}" if node.domain not in ("", "ai.onnx") else node.op_type,
        attributes | ({"bodies": str(len(subgraphs(node)))} if subgraphs(node) else {}),
        tuple(_shaped(node.input, values)),
        tuple(_shaped(node.output, values)),
    )


def _shaped(names: Iterable[str], values: Mapping[str, Array]) -> Iterable[str]:
    for name in names:
        if name:
            yield f"{name} {values[name].dtype}{list(values[name].shape)}"


def _short(attribute: onnx.AttributeProto) -> str:
    if attribute.type == onnx.AttributeProto.TENSOR:
        return f"{helper.tensor_dtype_to_string(attribute.t.data_type).rpartition('.')[2]}{list(attribute.t.dims)}"
    value = helper.get_attribute_value(attribute)
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
