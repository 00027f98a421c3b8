"""Probes of what a graph decides: conditions, activations with a kink, loops."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from ..report.coverage import SIDES, CoverageKind
from .conditions import Condition
from .probes import Names, Probe

if TYPE_CHECKING:
    import onnx

    from ..signature import Array

_AT_ZERO = frozenset({"Relu", "LeakyRelu", "PRelu", "Elu", "Celu", "Selu", "Abs", "HardSwish"})
"""Activations whose formula changes at 0. Smooth ones have one formula for all values."""

_FLOATS = frozenset({TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16})

_LONGEST = 64  # elements of a bound that is read


def condition_probes(conditions: Sequence[Condition], names: Names) -> Iterator[Probe]:
    """Both sides of each condition: the least and the greatest value of its tensor."""
    for condition in conditions:
        number, low, high = names(), names(), names()
        nodes = (
            helper.make_node("Cast", [condition.tensor], [number], to=TensorProto.INT32),
            helper.make_node("ReduceMin", [number], [low], keepdims=0),
            helper.make_node("ReduceMax", [number], [high], keepdims=0),
        )
        yield Probe(CoverageKind.BRANCHES, condition.name, nodes, (low, high), _both_sides, SIDES)


def _both_sides(values: Sequence[Array]) -> Array:
    """An empty condition has the greatest integer as its least value, and the least one as its greatest."""
    low, high = values
    return np.array([(high == 1).any(), (low == 0).any()])


def kink_probes(
    graph: onnx.GraphProto, dtypes: Mapping[str, int], dependent: set[str], names: Names
) -> Iterator[Probe]:
    """Both sides of each ReLU and its like, and all of a Clip, a Max or a Min with constants."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    constants |= {node.output[0]: node.attribute[0].t for node in graph.node if _is_constant(node)}
    for node in graph.node:
        kinks = _kinks(node, constants)
        operand = next((name for name in node.input if name in dependent), "")
        if kinks and dtypes.get(operand) in _FLOATS and operand in dependent:
            yield _range_probe(node.name or node.output[0], operand, kinks, names)


def _is_constant(node: onnx.NodeProto) -> bool:
    return node.op_type == "Constant" and bool(node.attribute) and node.attribute[0].HasField("t")


def _kinks(node: onnx.NodeProto, constants: Mapping[str, onnx.TensorProto]) -> tuple[float, ...]:
    """The values of its operand at which a node's formula changes, ascending; empty where there are none."""
    if node.op_type in _AT_ZERO:
        return (0.0,)
    if node.op_type == "Clip" and len(node.input) == 1:
        return tuple(sorted(a.f for a in node.attribute if a.name in ("min", "max")))
    if node.op_type in ("Clip", "Max", "Min"):
        bounds = [_number(constants[name]) for name in node.input if name in constants]
        return tuple(sorted(bound for bound in bounds if bound is not None and np.isfinite(bound)))
    return ()


def _number(tensor: onnx.TensorProto) -> float | None:
    """The value of a constant of equal numbers; None where it has several, or isn't in the graph."""
    if tensor.data_location == TensorProto.EXTERNAL or not 0 < np.prod(tensor.dims) <= _LONGEST:
        return None
    values = numpy_helper.to_array(tensor).astype(np.float64)
    return float(values.flat[0]) if (values == values.flat[0]).all() else None


def _range_probe(name: str, operand: str, kinks: tuple[float, ...], names: Names) -> Probe:
    low, high = names(), names()
    nodes = (
        helper.make_node("ReduceMin", [operand], [low], keepdims=0),
        helper.make_node("ReduceMax", [operand], [high], keepdims=0),
    )
    parts = (f"below {kinks[0]:g}", *(f"above {kink:g}" for kink in kinks))
    return Probe(
        CoverageKind.BRANCHES, name, nodes, (low, high), lambda values: _pieces(values, kinks), parts, costly=True
    )


def _pieces(values: Sequence[Array], kinks: tuple[float, ...]) -> Array:
    """Which pieces the values of any run were in: below the first kink, and above each one (up to the next)."""
    low, high = (value.astype(np.float64).reshape(-1) for value in values)
    ends = (*kinks[1:], np.inf)
    above = [((high > kink) & (low < end)).any() for kink, end in zip(kinks, ends, strict=True)]
    return np.array([(low < kinks[0]).any(), *above])


def loop_probes(graph: onnx.GraphProto, names: Names) -> Iterator[Probe]:
    """How often each Loop turned: not at all, once, more often. Its body gets one more output, in place."""
    for node in graph.node:
        if node.op_type != "Loop":
            continue
        counted, turns, shape, total = names(), names(), names(), names()
        body = node.attribute[0].g
        body.node.append(helper.make_node("Identity", [body.input[0].name], [counted]))
        body.output.append(helper.make_tensor_value_info(counted, TensorProto.INT64, None))
        node.output.append(turns)
        nodes = (
            helper.make_node("Shape", [turns], [shape]),
            helper.make_node("ReduceMax", [shape], [total], keepdims=0),
        )
        parts = ("with no turn", "with one turn", "with several turns")
        yield Probe(CoverageKind.TRIPS, node.name or node.output[0], nodes, (total,), _turns, parts)


def _turns(values: Sequence[Array]) -> Array:
    (total,) = values
    return np.array([(total == 0).any(), (total == 1).any(), (total > 1).any()])
