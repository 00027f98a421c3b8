"""Lengths given with --input to axes that a file leaves open."""

from __future__ import annotations

import pytest

from paritygate.validate.engines.fixed_lengths import with_lengths
from paritygate.validate.errors import ParityGateError
from paritygate.validate.samples.options import parse_input
from paritygate.validate.signature import Signature, TensorSpec

OWN = Signature(
    (
        TensorSpec("ids", "int64", ("n", "s")),
        TensorSpec("mask", "int64", ("n", "s")),
        TensorSpec("any", "float32", None),
    ),
    (TensorSpec("y", "float32", ("n", "s", 8)),),
)


def shapes(*declared: str) -> dict[str, object]:
    found = with_lengths(OWN, tuple(map(parse_input, declared)))
    return {spec.name: spec.shape for spec in (*found.inputs, *found.outputs)}


def test_a_number_holds_wherever_its_axis_occurs():
    assert shapes("ids:int64:n,32") == {"ids": ("n", 32), "mask": ("n", 32), "any": None, "y": ("n", 32, 8)}
    assert shapes("ids:int64:batch,32", "mask:int64:1,t")["y"] == (1, 32, 8)
    assert shapes("any:float32:2,x")["any"] == (2, "x")
    assert shapes() == {"ids": ("n", "s"), "mask": ("n", "s"), "any": None, "y": ("n", "s", 8)}


@pytest.mark.parametrize("text", ["z:int64:1,2", "ids:int32:1,2", "ids:int64:1", "ids:int64:1,2,3"])
def test_what_the_model_declares_otherwise_is_a_usage_error(text: str):
    with pytest.raises(ParityGateError, match=r"ids: int64\[n, s\]") as caught:
        shapes(text)
    assert caught.value.code == "PG201"


def test_a_length_of_the_files_own_cannot_be_changed():
    own = Signature((TensorSpec("x", "float32", ("n", 3)),), ())
    with pytest.raises(ParityGateError, match=r"the model declares x: float32\[n, 3\]"):
        with_lengths(own, (parse_input("x:float32:1,4"),))
