"""TensorFlow and Keras to Core ML through coremltools' TensorFlow frontend."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from ...validate.errors import ParityGateError
from .base import Candidate, ConvertOptions
from .coreml.build import classifier_of, convert_with, finish, precision_of
from .coreml.ports import NARROWED, output_types, ports_of, tensor_types
from .coreml.target import target_of

if TYPE_CHECKING:
    from ...validate.engines.base import Model
    from ...validate.engines.tf_freeze import GraphModel


def convert(model: Model, destination: Path, options: ConvertOptions) -> Candidate:
    """Freeze, give the placeholders the shapes of their features, bring loops into form, and hand over to coremltools.

    Raises ParityGateError PG404 naming an operator without a translation, PG405 with coremltools' reason, PG408 for a
    deployment target that is too old, PG201 for options that don't fit the model, PG206 for an input of unknown rank.
    """
    from .coreml.tf_control_flow import known_functions
    from .coreml.tf_graph import with_ports
    from .coreml.tf_operators import known_operators

    signature, target = model.signature, target_of(destination, options)
    for spec in signature.outputs:
        if spec.dtype not in NARROWED:
            raise ParityGateError("PG404", spec.name, f"Core ML has no arrays of {spec.dtype}")
    ports = ports_of(signature, options)
    graph = with_ports(cast("GraphModel", model).freeze(), ports)
    more = {
        "outputs": output_types(signature, [graph.outputs[spec.name] for spec in signature.outputs]),
        **classifier_of(signature, options),
        **precision_of(options, target),
    }
    with known_functions(graph.graph_def), known_operators():
        made = convert_with("tensorflow", graph.graph_def, tensor_types(ports, graph.inputs, target), target, **more)
    return finish(made, signature, ports, graph.inputs, destination, route="coremltools", labels=options.class_labels)
