"""Text outputs: Core ML's programs and networks return numbers only, which a later pipeline stage maps to text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .ports import feature_names
from .rename import rename_features


def with_text_outputs(spec: Any, words: Mapping[str, Sequence[str]]) -> Any:
    """``spec`` with text for the features ``words``, each of which returns one number: the index of its word.

    The result is a pipeline: the model, then for every text a stage that takes the number out of its array and one that
    looks up the word. ``spec`` is changed, and is itself the result if there are no words.
    """
    if not words:
        return spec
    features = [feature.name for feature in (*spec.description.input, *spec.description.output)]
    arrays = dict(zip(words, feature_names([f"{name}_array" for name in words], features), strict=True))
    numbers = feature_names([f"{name}_number" for name in words], [*features, *arrays.values()])
    made = type(spec)(specificationVersion=spec.specificationVersion)
    made.description.CopyFrom(spec.description)
    spec.description.ClearField("metadata")
    rename_features(spec, arrays)
    _shape(spec, set(arrays.values()))
    stages = [spec]
    for (name, array), number in zip(arrays.items(), numbers, strict=True):
        stages += [_number(spec, array, number), _word(spec, number, name, words[name])]
    for feature in made.description.output:
        if feature.name in words:
            feature.type.Clear()
            feature.type.stringType.SetInParent()
    made.pipeline.models.extend(stages)
    return made


def _shape(spec: Any, arrays: set[str]) -> None:
    """Declare arrays of one element, as the next stage of a pipeline requires."""
    for feature in spec.description.output:
        if feature.name in arrays:
            feature.type.multiArrayType.shape[:] = [1]


def _number(spec: Any, array: str, number: str) -> Any:
    """The only element of an array."""
    stage = type(spec)(specificationVersion=1)
    given = next(feature for feature in spec.description.output if feature.name == array)
    stage.description.input.add().CopyFrom(given)
    stage.description.output.add(name=number).type.int64Type.SetInParent()
    stage.arrayFeatureExtractor.extractIndex.append(0)
    return stage


def _word(spec: Any, number: str, name: str, words: Sequence[str]) -> Any:
    stage = type(spec)(specificationVersion=1)
    stage.description.input.add(name=number).type.int64Type.SetInParent()
    stage.description.output.add(name=name).type.stringType.SetInParent()
    stage.categoricalMapping.int64ToStringMap.map.update(enumerate(words))
    return stage
