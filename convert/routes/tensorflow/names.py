"""Give a translated graph's inputs and outputs the names and shapes that they have in the source."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from ....validate.engines.tensorflow.tensors import unique
from ....validate.signature import STRING

if TYPE_CHECKING:
    import onnx

    from ....validate.signature import Signature, TensorSpec


def name_ports(
    graph: onnx.GraphProto, signature: Signature, inputs: Mapping[str, str], outputs: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Rename and declare inputs and outputs in place; return candidate name -> source name for each side.

    ``inputs`` and ``outputs`` map source names to the graph's tensor names. In ONNX an input and an output can't
    share a name: such an output gets ``_1`` behind it. An internal value that has a port's name gives way.
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


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for nested in [attribute.g] if attribute.HasField("g") else attribute.graphs:
                yield from _graphs(nested)


def _value_names(graph: onnx.GraphProto) -> Iterator[str]:
    for inner in _graphs(graph):
        for named in (*inner.input, *inner.initializer):
            yield named.name
        for node in inner.node:
            yield from node.output


def _rename(graph: onnx.GraphProto, change: Callable[[str], str]) -> None:
    """Apply an injective change of names to every value, in nested graphs too: those see the outer values."""
    for inner in _graphs(graph):
        for named in (*inner.input, *inner.output, *inner.initializer):
            named.name = change(named.name)
        for node in inner.node:
            node.input[:] = [change(name) for name in node.input]
            node.output[:] = [change(name) for name in node.output]


def _declare(
    graph: onnx.GraphProto, signature: Signature, inputs: Mapping[str, str], outputs: Mapping[str, str]
) -> None:
    """Declare the source's shapes, in the source's order, and forget tf2onnx' own inference of inner shapes.

    tf2onnx infers some shapes wrongly (a Resize's height from its input), and ONNX Runtime plans its memory by what
    is declared. An input that the model never uses is dropped by tf2onnx and comes back here.
    """
    del graph.value_info[:]
    for ports, names, specs in ((graph.input, inputs, signature.inputs), (graph.output, outputs, signature.outputs)):
        types = {port.name: port.type.tensor_type.elem_type for port in ports}
        sources = {spec.name: spec for spec in specs}
        declared = [_port(name, types.get(name), sources[source]) for name, source in names.items()]
        del ports[:]
        ports.extend(declared)


def _port(name: str, element_type: int | None, spec: TensorSpec) -> onnx.ValueInfoProto:
    import numpy as np
    from onnx import TensorProto, helper

    if element_type is None:
        text = spec.dtype == STRING
        element_type = TensorProto.STRING if text else helper.np_dtype_to_tensor_dtype(np.dtype(spec.dtype))
    return helper.make_tensor_value_info(name, element_type, spec.shape)
