"""Inputs of flexible shape: declared shapes are accepted, all others are rejected by name. Models by coremltools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from whole import coremltools

from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.coreml.lowered import load, predict
from paritygate.validate.errors import ParityGateError
from paritygate.validate.samples.generate import generate_samples


def save(input_type: Any, folder: Path, target: str = "iOS17") -> Path:
    """Twice the input, which has rank 2 for arrays and 4 for images."""
    ct = coremltools()
    from coremltools.converters.mil import Builder
    from coremltools.converters.mil.mil import get_new_symbol

    rank = 4 if isinstance(input_type, ct.ImageType) else 2
    lengths = (1, 3, get_new_symbol(), get_new_symbol()) if rank == 4 else (get_new_symbol(), get_new_symbol())

    @Builder.program(input_specs=[Builder.TensorSpec(lengths)], opset_version=getattr(ct.target, target))
    def program(x):
        return Builder.mul(x=x, y=2.0, name="twice")

    is_network = target == "iOS14"
    model = ct.convert(
        program,
        inputs=[input_type],
        convert_to="neuralnetwork" if is_network else "mlprogram",
        **({} if is_network else {"compute_precision": ct.precision.FLOAT32}),
        minimum_deployment_target=getattr(ct.target, target),
        skip_model_load=True,
    )
    path = folder / ("model.mlmodel" if is_network else "model.mlpackage")
    model.save(str(path))
    return path


def array_type(kind: str) -> Any:
    ct = coremltools()
    shapes = {
        "range": (ct.RangeDim(2, 5, default=3), 4),
        "open range": (ct.RangeDim(2, -1, default=3), 4),
        "two ranges": (ct.RangeDim(1, 3, default=3), ct.RangeDim(4, 8, default=4)),
        "choices": ct.EnumeratedShapes([(3, 4), (6, 8)], default=(3, 4)),
    }
    return ct.TensorType("x", shape=shapes[kind], dtype=np.float32)


@pytest.mark.parametrize(
    ("kind", "target", "good", "bad", "declared"),
    [
        ("range", "iOS17", [(2, 4), (5, 4)], [(1, 4), (6, 4), (3, 5), (3,)], "(2 to 5, 4)"),
        ("two ranges", "iOS17", [(1, 8), (3, 4)], [(4, 4), (1, 9), (0, 4)], "(1 to 3, 4 to 8)"),
        ("choices", "iOS17", [(3, 4), (6, 8)], [(3, 8), (6, 4), (4, 4)], "(3, 4) or (6, 8)"),
        ("open range", "iOS14", [(2, 4), (500, 4)], [(1, 4)], "(2 or more, 4)"),
        ("choices", "iOS14", [(3, 4), (6, 8)], [(3, 8)], "(3, 4) or (6, 8)"),
    ],
)
def test_arrays(kind: str, target: str, good: list[Any], bad: list[Any], declared: str, tmp_path: Path):
    path = save(array_type(kind), tmp_path, target)
    for shape in good:
        x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        np.testing.assert_array_equal(predict(path, {"x": x})["twice"], 2 * x)
    for shape in bad:
        with pytest.raises(ParityGateError, match="input 'x'") as caught:
            predict(path, {"x": np.zeros(shape, np.float32)})
        assert caught.value.code == "PG204"
        assert f"shape {shape} is not the declared shape {declared}" in str(caught.value)


def test_an_array_without_its_leading_axis_is_checked_too(tmp_path: Path):
    """Four numbers are one row, fewer than allowed."""
    with pytest.raises(ParityGateError, match=r"shape \(4,\) is not the declared shape \(2 to 5, 4\)"):
        predict(save(array_type("range"), tmp_path), {"x": np.zeros(4, np.float32)})


def image_type(kind: str) -> Any:
    ct = coremltools()
    shapes = {
        "range": (1, 3, ct.RangeDim(8, 16, default=8), ct.RangeDim(8, 32, default=8)),
        "choices": ct.EnumeratedShapes([(1, 3, 8, 8), (1, 3, 16, 24)], default=(1, 3, 8, 8)),
    }
    return ct.ImageType("x", shape=shapes[kind])


@pytest.mark.parametrize(
    ("kind", "good", "bad", "declared"),
    [
        ("range", [(8, 32), (16, 8)], [(32, 8), (7, 8)], "(1, 3, 8 to 16, 8 to 32)"),
        ("choices", [(8, 8), (16, 24)], [(24, 16), (8, 24)], "(1, 3, 8, 8) or (1, 3, 16, 24)"),
    ],
)
def test_images(kind: str, good: list[Any], bad: list[Any], declared: str, tmp_path: Path):
    from PIL import Image

    path = save(image_type(kind), tmp_path)
    for height, width in good:
        pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
        got = predict(path, {"x": Image.fromarray(pixels)})["twice"]
        np.testing.assert_array_equal(got, 2.0 * pixels.transpose(2, 0, 1)[None])
    for height, width in bad:
        with pytest.raises(ParityGateError) as caught:
            predict(path, {"x": Image.new("RGB", (width, height))})
        assert f"shape (1, 3, {height}, {width}) is not the declared shape {declared}" in str(caught.value)


def test_the_signature_names_the_axes_that_vary(tmp_path: Path):
    assert str(load(save(array_type("range"), tmp_path), LoadOptions()).signature.inputs[0]) == "x: float32[x_0, 4]"


@pytest.mark.parametrize(
    ("kind", "shapes"), [("range", {(2, 4), (5, 4)}), ("two ranges", {(1, 4), (3, 8)}), ("choices", {(3, 4), (6, 8)})]
)
def test_generated_samples_have_shapes_that_the_model_takes(kind: str, shapes: set[Any], tmp_path: Path):
    model = load(save(array_type(kind), tmp_path), LoadOptions())
    samples = generate_samples(model.signature, model.hints())
    assert {sample.feed["x"].shape for sample in samples.items} == shapes
    for sample in samples.items:
        np.testing.assert_array_equal(model.run(sample.feed)["twice"], 2 * sample.feed["x"])
