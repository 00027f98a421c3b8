"""A frozen TensorFlow graph as coremltools' frontend takes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ....validate.engines.tensorflow.freeze import FrozenGraph, run_grappler
from ....validate.errors import ParityGateError
from ..coreml.ports import Length, Port
from .control_flow import normalise_control_flow


def with_ports(
    frozen: FrozenGraph, ports: Sequence[Port], inputs: Mapping[str, str], outputs: Mapping[str, str]
) -> Any:
    """The ``GraphDef`` for the ports' shapes, folded as far as these allow. Raises PG404 and PG405.

    ``inputs`` and ``outputs`` are the node names that the signature's inputs and outputs get.
    """
    if frozen.detached:
        raise ParityGateError("PG405", "coremltools", "the graph's constants don't fit into one message (2 GB)")
    if frozen.tables:
        raise ParityGateError("PG404", "LookupTableFindV2", "Core ML has no lookup tables")
    graph_def = type(frozen.graph_def)()
    graph_def.CopyFrom(frozen.graph_def)
    ends = [(frozen.inputs[name], new) for name, new in inputs.items()]
    ends += [(frozen.outputs[name], new) for name, new in outputs.items()]
    _rename(graph_def, {tensor.partition(":")[0]: new for tensor, new in ends})
    _declare(graph_def, {inputs[port.source]: port for port in ports})
    graph_def = run_grappler(graph_def, [f"{name}:0" for name in (*inputs.values(), *outputs.values())])
    for nodes in (graph_def.node, *(function.node_def for function in graph_def.library.function)):
        _drop_checks(nodes)
    normalise_control_flow(graph_def)
    return graph_def


def _drop_checks(nodes: Any) -> None:
    """Take assertions out: coremltools asks for their results when it folds constants, and then folds none at all."""
    checks = {f"^{node.name}" for node in nodes if node.op == "Assert"}
    kept = [node for node in nodes if node.op != "Assert"]
    for node in kept:
        node.input[:] = [name for name in node.input if name not in checks]
    del nodes[:]
    nodes.extend(kept)


def _rename(graph_def: Any, names: Mapping[str, str]) -> None:
    for node in graph_def.node:
        node.name = names.get(node.name, node.name)
        for index, given in enumerate(node.input):
            mark = "^" if given.startswith("^") else ""
            name, colon, number = given.removeprefix("^").partition(":")
            node.input[index] = f"{mark}{names.get(name, name)}{colon}{number}"


def _declare(graph_def: Any, ports: Mapping[str, Port]) -> None:
    """Give the placeholders their shapes; what was inferred from the old ones no longer holds."""
    for node in graph_def.node:
        node.attr.pop("_output_shapes", None)
        if node.name in ports:
            shape = node.attr["shape"].shape
            shape.Clear()
            for length in _lengths(ports[node.name]):
                shape.dim.add(size=length if isinstance(length, int) else -1)


def _lengths(port: Port) -> tuple[Length, ...]:
    """The port's shape, with the lengths that all its enumerated shapes share."""
    if not port.shapes:
        return port.shape
    return tuple(
        lengths[0] if len(set(lengths)) == 1 else (min(lengths), max(lengths))
        for lengths in zip(*port.shapes, strict=True)
    )
