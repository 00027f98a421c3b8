"""Core ML's classic models, joined in a pipeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from .....validate.coreml.files.proto import Message, module
from .....validate.engines.sklearn.walk import unwrap
from .....validate.errors import ParityGateError
from .wires import STRING, VECTOR, Columns, Floats, Origin, Outputs, Wire, describe, unsupported, width_of

OLDEST = 1
"""The specification version of Core ML's first release, which has nearly all classic models."""

_PIPELINES = {"Classifier": "pipelineClassifier", "Regressor": "pipelineRegressor"}


Predict: TypeAlias = "Callable[[Builder, Any, Columns], Outputs]"
"""Appends the stages of an estimator that predicts: (builder, fitted estimator, its table) -> its outputs."""

Transform: TypeAlias = "Callable[[Builder, Any, Columns], Columns]"
"""Appends the stages of a transformer: (builder, fitted transformer, its table) -> the transformed table."""


@dataclass(frozen=True, slots=True)
class Writers:
    """The functions that write estimators, by library and class."""

    predictors: Mapping[str, Predict]
    transformers: Mapping[str, Transform]


class Builder:
    """The stages so far. A stage is a model with the wires that it reads and writes as its features.

    ``writers`` are what estimators that hold others use to write these.
    """

    def __init__(self, inputs: Columns, writers: Writers) -> None:
        self.inputs = inputs
        self._writers = writers
        self._stages: list[Message] = []
        self._names = {wire.name for wire in inputs}
        self._unsupported: dict[str, ParityGateError] = {}

    def predict(self, estimator: Any, x: Columns) -> Outputs:
        """Append the stages of an estimator, the last one of a model. Raises PG404 where Core ML has no model for it.

        An estimator that only transforms gives its table as the output ``transformed``.
        """
        estimator = unwrap(estimator)
        name = _class_name(estimator)
        if name in self._writers.predictors:
            return self._writers.predictors[name](self, estimator, x)
        if hasattr(estimator, "predict"):
            raise _unknown(estimator)
        return Outputs({"transformed": self.vector(self.transform(estimator, x))})

    def transform(self, estimator: Any, x: Columns) -> Columns:
        """Append the stages of a transformer and return its table. Raises PG404 where Core ML has no model for it."""
        estimator = unwrap(estimator)
        name = _class_name(estimator)
        if name not in self._writers.transformers:
            raise _unknown(estimator)
        return self._writers.transformers[name](self, estimator, x)

    def wire(self, hint: str, kind: str, width: int = 1, *, single: bool = False, origin: Origin | None = None) -> Wire:
        """A new wire, whose name begins with ``hint``."""
        number = 1
        while (name := f"{hint}_{number}") in self._names:
            number += 1
        self._names.add(name)
        return Wire(name, kind, width, single, origin)

    def stage(
        self, inputs: Columns, outputs: Columns, *, predicted: str = "", scores: str = "", version: int = OLDEST
    ) -> Message:
        """Append a model from ``inputs`` to ``outputs`` and return its ``Model`` message; the caller fills in its type.

        ``predicted`` and ``scores`` name what a regressor or classifier predicts and its dictionary.
        """
        spec = module("Model_pb2").Model(specificationVersion=version)
        _describe(spec, inputs, outputs, predicted, scores)
        self._stages.append(spec)
        return spec

    def mark_unsupported(self, wire: Wire, error: ParityGateError) -> None:
        """Note why no stage computes ``wire``; the error is raised only if an output depends on it."""
        self._unsupported[wire.name] = error

    def vector(self, columns: Columns) -> Wire:
        """The table's columns as one vector. Raises PG404 for text."""
        if len(columns) == 1 and columns[0].kind == VECTOR:
            return columns[0]
        texts = [wire.name for wire in columns if wire.kind == STRING]
        if texts:
            raise ParityGateError("PG404", texts[0], "Core ML has no vectors of text")
        joined = self.wire("features", VECTOR, width_of(columns), single=_all_single(columns))
        spec = self.stage(columns, (joined,))
        for wire in columns:
            spec.featureVectorizer.inputList.add(inputColumn=wire.name, inputDimensions=wire.width)
        return joined

    def select(self, columns: Columns, wanted: Sequence[int]) -> Columns:
        """The columns ``wanted`` of the table, by number and in that order; neighbours in one vector stay together."""
        owners = [(wire, place) for wire in columns for place in range(wire.width)]
        runs: list[tuple[Wire, list[int]]] = []
        for wire, place in (owners[number] for number in wanted):
            if runs and runs[-1][0] is wire and wire.kind == VECTOR:
                runs[-1][1].append(place)
            else:
                runs.append((wire, [place]))
        return tuple(self._extract(wire, places) for wire, places in runs)

    def _extract(self, wire: Wire, places: list[int]) -> Wire:
        if wire.kind != VECTOR or places == list(range(wire.width)):
            return wire
        origin = wire.origin and self._part_of(wire.origin, places)
        part = self.wire("part", VECTOR, len(places), single=wire.single, origin=origin)
        self.stage((wire,), (part,)).arrayFeatureExtractor.extractIndex.extend(places)
        return part

    def _part_of(self, origin: Origin, places: list[int]) -> Origin:
        def function(table: Floats) -> Floats:
            full = np.zeros((len(table), width_of(origin.columns)), table.dtype)
            full[:, places] = table
            return origin.function(full)[:, places]

        return Origin(self.select(origin.columns, places), function)

    def split(self, columns: Columns) -> Columns:
        """The same table, with a wire of width 1 for every column."""
        return tuple(
            self._extract(wire, [place]) if wire.width > 1 else wire for wire in columns for place in range(wire.width)
        )

    def model(self, outputs: Columns) -> tuple[Message, Columns]:
        """The finished model, and its output features: ``outputs``, or copies of those that are inputs."""
        given = tuple(self._distinct(wire) for wire in outputs)
        stages = self._needed(given)
        last = stages[-1]
        if len(stages) == 1 and _names(last.description.input) == [wire.name for wire in self.inputs]:
            return last, given
        spec = module("Model_pb2").Model(specificationVersion=max(s.specificationVersion for s in stages))
        ends = (end for end in _PIPELINES if last.WhichOneof("Type").endswith(end))
        kind = next(ends, None) if set(_names(last.description.output)) == {wire.name for wire in given} else None
        description = last.description if kind else spec.description
        _describe(spec, self.inputs, given, description.predictedFeatureName, description.predictedProbabilitiesName)
        body = getattr(spec, _PIPELINES[kind]).pipeline if kind else spec.pipeline
        body.models.extend(stages)
        return spec, given

    def _needed(self, outputs: Columns) -> list[Message]:
        """The stages that the outputs depend on. Raises the noted error for a wire that no stage computes."""
        wanted, stages = {wire.name for wire in outputs}, []
        for spec in reversed(self._stages):
            if wanted & set(_names(spec.description.output)):
                wanted |= set(_names(spec.description.input))
                stages.append(spec)
        for name in wanted & set(self._unsupported):
            raise self._unsupported[name]
        return stages[::-1]

    def _distinct(self, wire: Wire) -> Wire:
        """A copy of a wire that is an input, since Core ML forbids an output that is an input as well."""
        if wire not in self.inputs:
            return wire
        copy = self.wire("same", wire.kind, wire.width)
        self.stage((wire,), (copy,)).identity.SetInParent()
        return copy


def _describe(spec: Message, inputs: Columns, outputs: Columns, predicted: str = "", scores: str = "") -> None:
    for wire in inputs:
        describe(spec.description.input.add(), wire)
    for wire in outputs:
        describe(spec.description.output.add(), wire)
    spec.description.predictedFeatureName = predicted
    spec.description.predictedProbabilitiesName = scores


def _class_name(estimator: Any) -> str:
    return f"{type(estimator).__module__.partition('.')[0]}.{type(estimator).__name__}"


def _unknown(estimator: Any) -> ParityGateError:
    return unsupported(estimator, "Core ML has no model of this kind")


def _all_single(columns: Columns) -> bool:
    return all(wire.single for wire in columns)


def _names(features: Sequence[Message]) -> list[str]:
    return [feature.name for feature in features]
