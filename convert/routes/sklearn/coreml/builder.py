"""Core ML's classic models, joined to a pipeline."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .....validate.coreml.files.proto import Message, module
from .....validate.errors import ParityGateError
from .wires import STRING, VECTOR, Columns, Floats, Origin, Wire, describe, width_of

OLDEST = 1
"""The specification version of Core ML's first release, which has nearly all classic models."""

_PIPELINES = {"Classifier": "pipelineClassifier", "Regressor": "pipelineRegressor"}


class Builder:
    """The stages so far. A stage is a model of its own, with the wires that it takes and gives as its features."""

    def __init__(self, inputs: Columns) -> None:
        self.inputs = inputs
        self._stages: list[Message] = []
        self._names = {wire.name for wire in inputs}
        self._absent: dict[str, ParityGateError] = {}

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
        """Append a model from ``inputs`` to ``outputs`` and return its ``Model`` message, whose type is to be set.

        ``predicted`` and ``scores`` name what a regressor or classifier predicts and its dictionary.
        """
        spec = module("Model_pb2").Model(specificationVersion=version)
        _describe(spec, inputs, outputs, predicted, scores)
        self._stages.append(spec)
        return spec

    def absent(self, wire: Wire, error: ParityGateError) -> None:
        """Say why no stage gives ``wire``; it is an error only if something takes it in the end."""
        self._absent[wire.name] = error

    def vector(self, columns: Columns) -> Wire:
        """The table's row as one vector. Raises PG404 for text."""
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
        """The table's columns ``wanted``, by number and in that order; neighbours in one vector stay together."""
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
        """The same table, a wire of width 1 for every column."""
        return tuple(
            self._extract(wire, [place]) if wire.width > 1 else wire for wire in columns for place in range(wire.width)
        )

    def model(self, outputs: Columns) -> tuple[Message, Columns]:
        """The finished model, and its output features: ``outputs``, or what stands for those that are inputs."""
        given = tuple(self._own(wire) for wire in outputs)
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
        """The stages that the outputs depend on. Raises what was said of a wire that no stage gives."""
        wanted, stages = {wire.name for wire in outputs}, []
        for spec in reversed(self._stages):
            if wanted & set(_names(spec.description.output)):
                wanted |= set(_names(spec.description.input))
                stages.append(spec)
        for name in wanted & set(self._absent):
            raise self._absent[name]
        return stages[::-1]

    def _own(self, wire: Wire) -> Wire:
        """An output that isn't an input as well, which Core ML forbids."""
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


def _all_single(columns: Columns) -> bool:
    return all(wire.single for wire in columns)


def _names(features: Sequence[Message]) -> list[str]:
    return [feature.name for feature in features]
