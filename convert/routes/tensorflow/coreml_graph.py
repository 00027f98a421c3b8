"""A frozen TensorFlow graph in the form that coremltools' frontend accepts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ....validate.engines.tensorflow.freeze import FrozenGraph, run_grappler
from ....validate.engines.tensorflow.nodes import drop_nodes
from ....validate.errors import ParityGateError
from ..coreml.ports import Length, Port
from .control_flow import normalise_control_flow


def with_ports(
    frozen: FrozenGraph, ports: Sequence[Port], inputs: Mapping[str, str], outputs: Mapping[str, str]
) -> Any:
    """The ``GraphDef`` for the ports' shapes, its constants folded.

    ``inputs`` and ``outputs`` map the signature's inputs and outputs to their new node names. Raises ParityGateError
    PG404 for lookup tables, PG405 for constants of more than 2 GB.
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
        # coremltools' constant folding evaluates assertions as outputs, and then folds nothing at all.
        drop_nodes(nodes, lambda node: node.op == "Assert")
    normalise_control_flow(graph_def)
    return graph_def


def _rename(graph_def: Any, names: Mapping[str, str]) -> None:
    for node in graph_def.node:
        node.name = names.get(node.name, node.name)
        for index, given in enumerate(node.input):
            mark = "^" if given.startswith("^") else ""
            name, colon, number = given.removeprefix("^").partition(":")
            node.input[index] = f"{mark}{names.get(name, name)}{colon}{number}"


def _declare(graph_def: Any, ports: Mapping[str, Port]) -> None:
    """Give the placeholders their shapes, and drop the shapes that were inferred from the old ones."""
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
