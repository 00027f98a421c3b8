"""Pipelines and linked models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from model_specs import (
    model,
    nested,
    session,
    transformer,
)

from paritygate.validate.coreml.files.package import Package
from paritygate.validate.coreml.files.proto import parse_model
from paritygate.validate.coreml.files.weights import Blobs
from paritygate.validate.coreml.lower import lower
from paritygate.validate.coreml.runtime import Session
from paritygate.validate.errors import ParityGateError


def test_nested_pipelines():
    np.testing.assert_array_equal(session(nested(20)).predict({"x": np.array([1.0, 2.0])})["out"], [2, 3])


def test_a_hundred_nested_pipelines_are_rejected():
    content = transformer("scaler", {"x": 2}, 2).SerializeToString()
    features = model({"x": 2}, {"out": 2}).SerializeToString()
    for _ in range(100):
        content = features + field(202, field(1, content))  # Model.pipeline, Pipeline.models
    with pytest.raises(ParityGateError) as caught:
        parse_model(content, "nested")
    assert caught.value.code == "PG402"


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + varint(value >> 7)


def test_a_pipeline_stage_with_an_unknown_input():
    spec = model({"x": 2}, {"out": 2})
    spec.pipeline.models.append(transformer("identity", {"y": 2}, 2))
    with pytest.raises(ParityGateError, match=r"stage 0 of the pipeline.*'y', which no earlier stage produces"):
        session(spec)


def test_a_linked_model_in_the_same_folder(tmp_path: Path):
    inner = transformer("scaler", {"x": 2}, 2, scaleValue=[3.0])
    (tmp_path / "inner.mlmodel").write_bytes(inner.SerializeToString())
    spec = model({"x": 2}, {"out": 2})
    link = spec.linkedModel.linkedModelFile.linkedModelFileName
    link.defaultValue = "inner.mlmodel"
    running = Session(lower(Package(tmp_path, spec, Blobs(tmp_path))))
    np.testing.assert_array_equal(running.predict({"x": np.array([1.0, 2.0])})["out"], [3, 6])
    for name, code in (("inner.mlmodelc", "PG404"), ("../inner.mlmodel", "PG502"), ("none.mlmodel", "PG202")):
        link.defaultValue = name
        with pytest.raises(ParityGateError) as caught:
            lower(Package(tmp_path, spec, Blobs(tmp_path)))
        assert caught.value.code == code


def test_a_model_that_links_to_itself(tmp_path: Path):
    spec = model({"x": 2}, {"out": 2})
    spec.linkedModel.linkedModelFile.linkedModelFileName.defaultValue = "self.mlmodel"
    (tmp_path / "self.mlmodel").write_bytes(spec.SerializeToString())
    with pytest.raises(ParityGateError, match="nested more than 64 deep"):
        lower(Package(tmp_path, spec, Blobs(tmp_path)))
