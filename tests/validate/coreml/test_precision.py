"""In which precision a program computes: float16's tolerance is for those that round to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from whole import coremltools

from paritygate.validate.coreml.files.contents import precision


def program(build: Callable[[Any, Any], Any]) -> Any:
    """The specification of a program that is converted for float32 but for what it casts itself."""
    ct = coremltools()
    from coremltools.converters.mil import Builder

    @Builder.program(input_specs=[Builder.TensorSpec((2, 3))], opset_version=ct.target.iOS16)
    def made(x):
        return build(Builder, x)

    options = {"compute_precision": ct.precision.FLOAT32, "minimum_deployment_target": ct.target.iOS16}
    return ct.convert(made, convert_to="mlprogram", skip_model_load=True, **options).get_spec()


def moved_mask(mb: Any, x: Any) -> Any:
    """As coremltools takes a mask through an operator that has no booleans."""
    half = mb.cast(x=mb.greater(x=x, y=0.0), dtype="fp16")
    rows = mb.gather_nd(x=mb.reshape(x=half, shape=(3, 2)), indices=np.array([[0], [2]], np.int32))
    return mb.select(cond=mb.cast(x=rows, dtype="bool"), a=1.0, b=0.0)


def rounded_value(mb: Any, x: Any) -> Any:
    return mb.cast(x=mb.cast(x=x, dtype="fp16"), dtype="fp32")


def rounded_sum(mb: Any, x: Any) -> Any:
    half = mb.cast(x=mb.greater(x=x, y=0.0), dtype="fp16")
    return mb.cast(x=mb.add(x=half, y=np.float16(0.1)), dtype="fp32")


def rounded_integer(mb: Any, x: Any) -> Any:
    return mb.cast(x=mb.cast(x=mb.cast(x=x, dtype="int32"), dtype="fp16"), dtype="fp32")


def joined_with_numbers(mb: Any, x: Any) -> Any:
    half = mb.cast(x=mb.greater(x=x, y=0.0), dtype="fp16")
    return mb.cast(x=mb.concat(values=[half, mb.cast(x=x, dtype="fp16")], axis=0), dtype="fp32")


@pytest.mark.parametrize(
    ("build", "wanted"),
    [
        (moved_mask, "float32"),
        (rounded_value, "float16"),
        (rounded_sum, "float16"),
        (rounded_integer, "float16"),
        (joined_with_numbers, "float16"),
    ],
)
def test_a_program_has_the_precision_that_it_rounds_to(build: Callable[[Any, Any], Any], wanted: str):
    assert precision(program(build)) == wanted
