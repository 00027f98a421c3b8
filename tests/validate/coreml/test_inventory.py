"""Everything that Core ML can express has a lowering, or an entry in gaps/ with the reason."""

from __future__ import annotations

import pytest
from recorded import listed
from whole import coremltools

from paritygate.validate.coreml import layers, ops
from paritygate.validate.coreml.bind import MIL, Registry
from paritygate.validate.coreml.files.proto import module
from paritygate.validate.coreml.graph import Graph, Tensor
from paritygate.validate.coreml.layer import LAYERS
from paritygate.validate.coreml.models import MODELS

SERIALISED_ONLY = {"write_state", "coreml_update_state"}
"""Operators of saved programs that coremltools' core registry doesn't have."""


def _fields(message: str, oneof: str) -> set[str]:
    holder = module("NeuralNetwork_pb2" if "Neural" in message else "Model_pb2")
    return {f.name for f in getattr(holder, message).DESCRIPTOR.oneofs_by_name[oneof].fields}


def test_every_mil_op_is_lowered_or_listed():
    coremltools()
    from coremltools.converters.mil.mil.ops.registry import SSAOpRegistry

    assert ops.FAMILIES
    _assert_partition(set(SSAOpRegistry.core_ops), set(MIL.names()) - SERIALISED_ONLY, set(listed("mil")))


def test_every_layer_is_lowered_or_listed():
    assert layers.FAMILIES
    _assert_partition(_fields("NeuralNetworkLayer", "layer"), set(LAYERS.names()), set(listed("layers")))


def test_every_model_type_is_lowered_or_listed():
    _assert_partition(_fields("Model", "Type"), set(MODELS), set(listed("models")))


def _assert_partition(everything: set[str], lowered: set[str], gaps: set[str]) -> None:
    assert lowered <= everything
    assert not lowered & gaps, "lowered, yet still listed as a gap"
    assert everything - lowered == gaps


def test_a_second_registration_is_an_error():
    registry = Registry("test operator")

    def lowering(g: Graph, *, x: Tensor) -> Tensor:
        return x

    registry.add("twice", lowering)
    registry.add("twice", lowering, opset=17)
    with pytest.raises(ValueError, match="two lowerings for test operator 'twice' from iOS15"):
        registry.add("twice", lowering)
