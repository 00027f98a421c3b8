"""Give a translated graph's inputs and outputs the source's names and shapes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from ....validate.engines.names import unique
from ....validate.onnx_graphs import all_graphs
from ....validate.signature import STRING

if TYPE_CHECKING:
    import onnx

    from ....validate.signature import Signature, TensorSpec


def name_ports(
    graph: onnx.GraphProto, signature: Signature, inputs: Mapping[str, str], outputs: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Rename and declare inputs and outputs in place; returns candidate name -> source name for inputs and outputs.

    ``inputs`` and ``outputs`` map source names to the graph's tensor names. In ONNX an input and an output can't
    share a name: such an output gets the suffix ``_1``. An inner value with a port's name is renamed.
    """
    wanted = unique([*inputs, *outputs])
    renaming = dict(zip([*inputs.values(), *outputs.values()], wanted, strict=True))
    taken = set(_value_names(graph)) | set(wanted)
    for name in wanted:
        if name not in renaming and name in taken:
            renaming[name] = _free(name, taken)
    _rename(graph, lambda name: renaming.get(name, name))
    named_inputs = dict(zip(wanted, inputs, strict=False))
    named_outputs = dict(zip(wanted[len(inputs) :], outputs, strict=True))
    _declare(graph, signature, named_inputs, named_outputs)
    return named_inputs, named_outputs


def _free(name: str, taken: set[str]) -> str:
    number = 1
    while f"{name}__{number}" in taken:
        number += 1
    taken.add(f"{name}__{number}")
    return f"{name}__{number}"


def _value_names(graph: onnx.GraphProto) -> Iterator[str]:
    for inner in all_graphs(graph):
        for named in (*inner.input, *inner.initializer):
            yield named.name
        for node in inner.node:
            yield from node.output


def _rename(graph: onnx.GraphProto, change: Callable[[str], str]) -> None:
    """Apply an injective change of names to every value, also in nested graphs, which can read the outer values."""
    for inner in all_graphs(graph):
        for named in (*inner.input, *inner.output, *inner.initializer):
            named.name = change(named.name)
        for node in inner.node:
            node.input[:] = [change(name) for name in node.input]
            node.output[:] = [change(name) for name in node.output]


def _declare(
    graph: onnx.GraphProto, signature: Signature, inputs: Mapping[str, str], outputs: Mapping[str, str]
) -> None:
    """Declare the source's shapes, in the source's order, and drop the inner shapes that tf2onnx inferred.

    tf2onnx infers some shapes incorrectly (a Resize's height from its input), and ONNX Runtime plans memory by the
    declared shapes. tf2onnx drops an input that the model never uses; it is declared here.
    """
    del graph.value_info[:]
    for ports, names, specs in ((graph.input, inputs, signature.inputs), (graph.output, outputs, signature.outputs)):
        types = {port.name: port.type.tensor_type for port in ports}
        sources = {spec.name: spec for spec in specs}
        declared = [_port(name, types.get(name), sources[source]) for name, source in names.items()]
        del ports[:]
        ports.extend(declared)


def _port(name: str, known: onnx.TypeProto.Tensor | None, spec: TensorSpec) -> onnx.ValueInfoProto:
    """The source's declaration; where the source doesn't know the number of axes, that of ``known``."""
    import numpy as np
    from onnx import TensorProto, helper

    if known:
        element_type = known.elem_type
    else:
        text = spec.dtype == STRING
        element_type = TensorProto.STRING if text else helper.np_dtype_to_tensor_dtype(np.dtype(spec.dtype))
    if spec.shape is None and known and known.HasField("shape"):
        return helper.make_tensor_value_info(name, element_type, [None] * len(known.shape.dim))
    return helper.make_tensor_value_info(name, element_type, spec.shape)
