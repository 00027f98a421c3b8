"""scikit-learn, XGBoost, LightGBM and CatBoost to the models that Core ML has itself, which compute in double."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .....validate.engines.base import Model
from .....validate.engines.coreml.lowered import MADE_BY
from .....validate.engines.sklearn.walk import final_step
from .....validate.errors import ParityGateError
from .....validate.signature import STRING, TensorSpec
from ...base import FP32, Candidate, ConvertOptions
from ...coreml.build import describe, write
from ...coreml.ports import feature_names
from ...coreml.target import coremltools, target_of

if TYPE_CHECKING:
    from .....validate.coreml.files.proto import Message
    from .....validate.signature import Signature
    from .wires import Answer, Wire


def convert(model: Model, destination: Path, options: ConvertOptions) -> Candidate:
    """Convert a fitted estimator; features keep the source's names, columns of a table their own.

    Raises ParityGateError PG404 (no model of Core ML's own does the same), PG405 (the estimator isn't as expected),
    PG201 and PG408 (options that can't be met).
    """
    from .builder import Builder

    target_of(destination, options)
    _check(options)
    signature = model.signature
    names = feature_names([spec.name for spec in signature.inputs])
    inputs = tuple(_input(spec, name) for spec, name in zip(signature.inputs, names, strict=True))
    builder = Builder(inputs)
    answer = _answer(builder, model, inputs)
    given = _given(signature, answer)
    outputs = dict(zip(given, feature_names(given, names), strict=True))
    spec, finals = builder.model(tuple(given.values()))
    _rename(spec, finals, outputs.values())
    _tell(spec, model)
    write(spec, None, destination)
    return Candidate(
        path=destination,
        route="native",
        inputs={name: spec.name for name, spec in zip(names, signature.inputs, strict=True)},
        outputs={feature: name for name, feature in outputs.items()},
        classes={outputs[name]: classes for name, classes in answer.classes.items()},
    )


def _check(options: ConvertOptions) -> None:
    if options.precision != FP32:
        raise ParityGateError("PG404", options.precision, "Core ML's own classic models compute in double only")
    if options.images or options.shapes or options.ranges:
        raise ParityGateError("PG404", "the inputs", "Core ML's own classic models take numbers and text, row by row")
    if options.class_labels:
        raise ParityGateError("PG404", "the class labels", "the estimator has its own, which its model keeps")


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


def _answer(builder: Any, model: Model, inputs: tuple[Wire, ...]) -> Answer:
    from .registry import predict

    try:
        return predict(builder, model.native, inputs)
    except ParityGateError:
        raise
    except Exception as e:  # attributes of fitted estimators change from release to release
        raise ParityGateError("PG405", type(model.native).__name__, f"{type(e).__name__}: {e}") from e


def _given(signature: Signature, answer: Answer) -> dict[str, Wire]:
    """What there is for the source's outputs, in its order. Raises PG404 where the model doesn't give them all."""
    missing = [spec.name for spec in signature.outputs if spec.name not in answer.outputs]
    if missing:
        raise ParityGateError("PG404", missing[0], "Core ML's own model has no such output")
    return {spec.name: answer.outputs[spec.name] for spec in signature.outputs}


def _rename(spec: Message, finals: Iterable[Wire], names: Iterable[str]) -> None:
    rename = coremltools().utils.rename_feature
    for wire, name in zip(finals, names, strict=True):
        rename(spec, wire.name, name)


def _tell(spec: Message, model: Model) -> None:
    """What the model is, and who made it."""
    facts = model.facts()
    describe(spec, {"description": f"{type(final_step(model.native)).__name__}, {facts.producer}"})
    spec.description.metadata.userDefined[MADE_BY[0]] = facts.producer
    spec.description.metadata.userDefined[MADE_BY[1]] = coremltools().__version__
