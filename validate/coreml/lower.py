"""From a Core ML specification of any type to one ONNX graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from . import features
from .bind import State
from .errors import broken_lowering, damaged, unsupported
from .features import Feature
from .files.package import Package
from .files.proto import Message
from .files.weights import Blobs
from .graph import Graph, Pairs, Shape, Slot
from .models import MODELS
from .models.base import MAIN, ModelContext
from .models.refused import REFUSED
from .program import function as named_function

NEXT_STATE = "/next"
"""A state ``s`` is the graph's input ``s`` and its output ``s/next``."""


@dataclass(frozen=True, slots=True)
class Lowered:
    """A lowered model: the graph, Core ML's features with their tensors, and the weight files."""

    graph: Graph
    inputs: tuple[Feature, ...]
    outputs: tuple[Feature, ...]
    states: tuple[Feature, ...]
    blobs: Blobs


def declared_inputs(package: Package, function_name: str | None = None) -> tuple[Feature, ...]:
    """The inputs with their declared shapes, in the description's order."""
    return _inputs(_description(package.spec, function_name)[0], {})


def _inputs(description: Message, shapes: Mapping[str, Shape]) -> tuple[Feature, ...]:
    given = {d.name for d in description.output}
    return tuple(_input(features.feature(d), given, shapes) for d in description.input)


def lower(package: Package, function_name: str | None = None, shapes: Mapping[str, Shape] | None = None) -> Lowered:
    """Lower the model, or one function of a model that has several.

    ``shapes`` override the declared shapes of inputs, by name.

    Raises PG402 for a damaged specification, PG404 for anything that has no lowering.
    """
    spec = package.spec
    description, chosen = _description(spec, function_name)
    g = Graph()
    inputs = _inputs(description, shapes or {})
    slots = {f.name: features.declare(g, f) for f in inputs}
    states = {d.name: _state(g, d) for d in description.state}
    context = ModelContext(spec, description, package.blobs, chosen, lower_model, states)
    results = lower_model(g, context, slots)
    # A value that a program returns twice is declared by coremltools as two features of the same name.
    outputs = tuple(_output(g, d, results) for d in {d.name: d for d in description.output}.values())
    for state in states.values():
        g.output(state.value, state.name + NEXT_STATE)
    return Lowered(g, inputs, outputs, tuple(_state_feature(d) for d in description.state), package.blobs)


def lower_model(g: Graph, context: ModelContext, slots: Mapping[str, Slot]) -> dict[str, Slot]:
    """Lower one model into ``g``; pipelines and linked models call this for the models inside them."""
    kind = context.spec.WhichOneof("Type")
    if kind not in MODELS:
        raise unsupported(f"model type '{kind}'", REFUSED.get(kind, "this model type has no lowering"))
    try:
        return MODELS[kind](g, context, slots)
    except (ArithmeticError, LookupError, MemoryError, TypeError, ValueError) as e:
        raise damaged(f"model type '{kind}'", f"its parameters are inconsistent: {e}") from e


def _description(spec: Message, function_name: str | None) -> tuple[Message, str]:
    """The description of the chosen function, and the function's name."""
    described = {f.name: f for f in spec.description.functions}
    chosen = function_name or spec.description.defaultFunctionName or MAIN
    if chosen in described:
        return described[chosen], chosen
    if function_name is not None and spec.WhichOneof("Type") == "mlProgram":
        named_function(spec.mlProgram, function_name)
    return spec.description, chosen


def _input(feature: Feature, outputs: set[str], shapes: Mapping[str, Shape]) -> Feature:
    if feature.name in shapes:
        feature = replace(feature, shape=shapes[feature.name], allowed=None)
    # In ONNX an input and an output can't share a name; a Core ML function may return its input.
    return replace(feature, tensor=f"{feature.name}/given") if feature.name in outputs else feature


def _state_feature(description: Message) -> Feature:
    array = description.type.stateType.arrayType
    shape = tuple(int(d) for d in array.shape)
    return Feature(description.name, "stateType", np.dtype(features.ARRAY_DTYPES[array.dataType]), shape)


def _state(g: Graph, description: Message) -> State:
    f = _state_feature(description)
    return State(f.name, g.input(f.name, f.dtype, f.shape))


def _output(g: Graph, description: Message, results: Mapping[str, Slot]) -> Feature:
    slot = results.get(description.name)
    if slot is None:
        raise broken_lowering(f"output '{description.name}'", "the model does not compute it")
    value = slot.values if isinstance(slot, Pairs) else slot
    f = features.feature(description, value.dtype.name)
    if isinstance(slot, Pairs):
        g.output(slot.keys, f.name + features.KEYS)
        g.output(g.cast(value, f.dtype), f.name + features.VALUES)
    else:
        g.output(value if f.dtype.kind == "U" else g.cast(value, f.dtype), f.name)
    return f
