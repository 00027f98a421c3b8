"""TensorFlow and Keras to Core ML through coremltools' TensorFlow frontend."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ..base import Candidate, RouteOptions
from ..coreml.build import convert_with, finish
from ..coreml.mixed import convert_precisely
from ..coreml.ports import inner_names, output_types, ports_of, tensor_types
from ..coreml.target import target_of

if TYPE_CHECKING:
    from ....validate.engines.base import Model
    from ....validate.engines.tensorflow.freeze import GraphModel

ROUTE = "coremltools"


def convert(model: Model, destination: Path, options: RouteOptions) -> Candidate:
    """Freeze, set the placeholders' shapes, normalise loops, and convert with coremltools.

    Raises ParityGateError PG404 naming an operator without a translation, PG405 with coremltools' reason, PG408 for a
    deployment target that is too old, PG201 for options that don't fit the model, PG206 for an input of unknown rank.
    """
    from .control_flow import known_functions
    from .coreml_graph import with_ports
    from .coreml_operators import known_operators

    signature, target = model.signature, target_of(destination, options)
    ports = ports_of(signature, options)
    names = inputs, outputs = inner_names(ports, signature)
    graph_def = with_ports(cast("GraphModel", model).freeze(), ports, inputs, outputs)

    def convert_graph(**more: Any) -> Any:
        results = output_types(signature, list(outputs.values()))
        with known_functions(graph_def), known_operators():
            types = tensor_types(ports, inputs, target)
            return convert_with("tensorflow", graph_def, types, target, outputs=results, **more)

    made, notes = convert_precisely(convert_graph, signature, ports, names, options, target)
    return finish(made, signature, ports, inputs, destination, route=ROUTE, notes=notes, labels=options.class_labels)
