"""scikit-learn, XGBoost, LightGBM and CatBoost to Core ML's own classic models, which compute in double."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from .....validate.engines.base import Model
from .....validate.engines.coreml.lowered import MADE_BY
from .....validate.engines.sklearn.walk import final_step
from .....validate.errors import ParityGateError
from .....validate.signature import STRING, TensorSpec
from ...base import FP32, Candidate, RouteOptions
from ...coreml.build import describe, write
from ...coreml.ports import feature_names
from ...coreml.target import coremltools, target_of

if TYPE_CHECKING:
    from .....validate.coreml.files.proto import Message
    from .....validate.signature import Signature
    from .builder import Builder
    from .wires import Outputs, Wire


def convert(model: Model, destination: Path, options: RouteOptions) -> Candidate:
    """Convert a fitted estimator; features keep the source's names, columns of a table their own.

    Raises ParityGateError PG404 (Core ML has no equivalent model), PG405 (the estimator isn't as expected), PG201 and
    PG408 (options that can't be met).
    """
    from .builder import Builder
    from .registry import WRITERS

    target_of(destination, options)
    _check(options)
    signature = model.signature
    names = feature_names([spec.name for spec in signature.inputs])
    inputs = tuple(_input(spec, name) for spec, name in zip(signature.inputs, names, strict=True))
    builder = Builder(inputs, WRITERS)
    outputs = _write(builder, model, inputs)
    wires = _in_order(signature, outputs)
    features = dict(zip(wires, feature_names(wires, names), strict=True))
    spec, finals = builder.model(tuple(wires.values()))
    _rename(spec, finals, features.values())
    _add_metadata(spec, model)
    write(spec, None, destination)
    return Candidate(
        path=destination,
        route="native",
        inputs={name: spec.name for name, spec in zip(names, signature.inputs, strict=True)},
        outputs={feature: name for name, feature in features.items()},
        classes={features[name]: classes for name, classes in outputs.classes.items()},
    )


def _check(options: RouteOptions) -> None:
    if options.precision != FP32:
        raise ParityGateError("PG404", options.precision, "Core ML's classic models compute in double only")
    if options.images or options.shapes or options.ranges:
        raise ParityGateError("PG404", "the inputs", "Core ML's classic models take one row of numbers and text")
    if options.class_labels:
        raise ParityGateError("PG404", "the class labels", "the estimator has its own, which the model keeps")


def _input(spec: TensorSpec, name: str) -> Wire:
    """A table as one vector; a column of its own as a number or text. Raises PG404 for a table of text."""
    from . import wires

    column = spec.shape is not None and (len(spec.shape) == 1 or spec.shape[1:] == (1,))
    if spec.dtype == STRING and not column:
        raise ParityGateError("PG404", spec.name, "Core ML has no arrays of text", "Fit it on a frame, by columns.")
    if column and spec.dtype == STRING:
        return wires.Wire(name, wires.STRING)
    if column and not spec.dtype.startswith("float"):
        return wires.Wire(name, wires.INT64)
    width = 1 if column else int((spec.shape or (0, 0))[1])
    return wires.Wire(name, wires.DOUBLE if column else wires.VECTOR, width, single=spec.dtype == "float32")


def _write(builder: Builder, model: Model, inputs: tuple[Wire, ...]) -> Outputs:
    try:
        return builder.predict(model.native, inputs)
    except ParityGateError:
        raise
    except Exception as e:  # attributes of fitted estimators change from release to release
        raise ParityGateError("PG405", type(model.native).__name__, f"{type(e).__name__}: {e}") from e


def _in_order(signature: Signature, outputs: Outputs) -> dict[str, Wire]:
    """The source's outputs in its order. Raises PG404 where the model doesn't give them all."""
    missing = [spec.name for spec in signature.outputs if spec.name not in outputs.wires]
    if missing:
        raise ParityGateError("PG404", missing[0], "Core ML's model has no such output")
    return {spec.name: outputs.wires[spec.name] for spec in signature.outputs}


def _rename(spec: Message, finals: Iterable[Wire], names: Iterable[str]) -> None:
    rename = coremltools().utils.rename_feature
    for wire, name in zip(finals, names, strict=True):
        rename(spec, wire.name, name)


def _add_metadata(spec: Message, model: Model) -> None:
    """What the model is, and what produced it."""
    facts = model.facts()
    describe(spec, {"description": f"{type(final_step(model.native)).__name__}, {facts.producer}"})
    spec.description.metadata.userDefined[MADE_BY[0]] = facts.producer
    spec.description.metadata.userDefined[MADE_BY[1]] = coremltools().__version__
