"""Lowerings keep graphs in a form that ONNX Runtime can fuse, with the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from torch.nn import functional
from whole import coremltools

from paritygate.validate.coreml import runtime
from paritygate.validate.coreml.files.package import open_package
from paritygate.validate.coreml.lower import Lowered, lower

RANDOM = np.random.default_rng(3)
X = RANDOM.normal(size=(2, 3, 6, 5)).astype(np.float32)
WEIGHT = RANDOM.normal(size=(4, 3, 3, 3)).astype(np.float32)


def lowered(folder: Path, build: Callable[[Any, Any], Any], x: np.ndarray = X) -> Lowered:
    """The ML Program of one input that ``build`` makes, in the input's own precision."""
    ct = coremltools()
    from coremltools.converters.mil import Builder
    from coremltools.converters.mil.mil import types

    kind = {"float32": types.fp32, "float16": types.fp16}[x.dtype.name]

    @Builder.program(input_specs=[Builder.TensorSpec(x.shape, dtype=kind)], opset_version=ct.target.iOS17)
    def program(x):
        return build(Builder, x)

    # No passes: they would fuse some operators themselves.
    model = ct.convert(
        program, convert_to="mlprogram", minimum_deployment_target=ct.target.iOS17, skip_model_load=True,
        compute_precision=ct.precision.FLOAT32, pass_pipeline=ct.PassPipeline.EMPTY,
    )  # fmt: skip
    model.save(str(folder / "model.mlpackage"))
    return lower(open_package(folder / "model.mlpackage"))


def nodes(made: Lowered) -> list[onnx.NodeProto]:
    return list(made.graph.build()[0].graph.node)


def run(made: Lowered, x: np.ndarray = X) -> np.ndarray:
    (result,) = runtime.Session(made).run({made.inputs[0].name: x}).values()
    return result


@pytest.mark.parametrize(("pad", "value", "own", "stays"), [
    ([1, 0, 2, 1], 0.0, None, False),
    ([2, 1], 0.0, None, False),
    ([0, 0, 0, 0, 0, 1, 1, 0], 0.0, [1, 1, 0, 2], False),  # the convolution pads as well
    ([1, 1, 1, 1], 1.0, None, True),  # not with zeros
])  # fmt: skip
def test_a_pad_with_zeros_is_merged_into_the_convolution(
    pad: list[int], value: float, own: list[int] | None, stays: bool, tmp_path: Path
):
    def build(mb: Any, x: Any) -> Any:
        window = {"pad_type": "custom", "pad": own} if own else {"pad_type": "valid"}
        return mb.conv(x=mb.pad(x=x, pad=pad, mode="constant", constant_val=value), weight=WEIGHT, **window)

    made = lowered(tmp_path, build)
    pairs = np.array([0, 0] * (4 - len(pad) // 2) + pad).reshape(4, 2)
    padded = functional.pad(torch.from_numpy(X), pairs[::-1].reshape(-1).tolist(), value=value)
    top, bottom, left, right = own or [0] * 4
    want = functional.conv2d(functional.pad(padded, [left, right, top, bottom]), torch.from_numpy(WEIGHT))
    np.testing.assert_allclose(run(made), want, rtol=1e-5, atol=1e-5)
    assert ("Pad" in {n.op_type for n in nodes(made)}) is stays


def test_padded_channels_stay_padded(tmp_path: Path):
    weight = np.concatenate([WEIGHT, WEIGHT[:, :1]], axis=1)

    def build(mb: Any, x: Any) -> Any:
        return mb.conv(x=mb.pad(x=x, pad=[0, 1, 0, 0, 0, 0]), weight=weight)

    want = functional.conv2d(torch.from_numpy(X), torch.from_numpy(WEIGHT))
    np.testing.assert_allclose(run(lowered(tmp_path, build)), want, rtol=1e-5, atol=1e-5)


def test_a_padded_value_with_other_readers_is_kept(tmp_path: Path):
    def build(mb: Any, x: Any) -> Any:
        padded = mb.pad(x=x, pad=[1, 1, 1, 1])
        return mb.add(x=mb.conv(x=padded, weight=WEIGHT[:3]), y=mb.slice_by_size(x=padded, begin=[0] * 4, size=X.shape))

    padded = functional.pad(torch.from_numpy(X), [1, 1, 1, 1])
    want = functional.conv2d(padded, torch.from_numpy(WEIGHT[:3])) + padded[:, :, :6, :5]
    np.testing.assert_allclose(run(lowered(tmp_path, build)), want, rtol=1e-5, atol=1e-5)


def test_no_node_has_an_empty_trailing_input(tmp_path: Path):
    """ONNX Runtime doesn't use its fastest kernels for a convolution with an empty bias name."""
    made = lowered(tmp_path, lambda mb, x: mb.conv(x=x, weight=WEIGHT))
    assert all(node.input[-1] for node in nodes(made))


@pytest.mark.parametrize("activation", ["relu", "relu6", "clip", "max_pool"])
def test_float16_is_rounded_after_an_activation(activation: str, tmp_path: Path):
    """Rounding before it would prevent the fusion with the convolution; both orders give the same result."""
    arguments = {
        "clip": {"alpha": np.float16(-0.3), "beta": np.float16(0.7)},
        "max_pool": {"kernel_sizes": [2, 2], "pad_type": "valid"},
    }

    def build(mb: Any, x: Any) -> Any:
        return getattr(mb, activation)(
            x=mb.conv(x=x, weight=WEIGHT.astype(np.float16)), **arguments.get(activation, {})
        )

    x = X.astype(np.float16)
    made = lowered(tmp_path, build, x)
    exact = functional.conv2d(torch.from_numpy(x).float(), torch.from_numpy(WEIGHT).half().float())
    rounded = exact.half().float()
    low, high = (float(np.float16(v)) for v in (-0.3, 0.7))
    want = {
        "relu": lambda: rounded.relu(),
        "relu6": lambda: rounded.clip(0, 6),
        "clip": lambda: rounded.clip(low, high),
        "max_pool": lambda: functional.max_pool2d(rounded, 2, 1),
    }[activation]()
    # Two orders of summation may round to adjacent numbers.
    np.testing.assert_allclose(run(made, x).astype(np.float32), want, rtol=1e-3, atol=1e-4)
    by_output = {o: n for n in nodes(made) for o in n.output}
    (acting,) = (n for n in nodes(made) if n.op_type in ("Relu", "Clip", "MaxPool"))
    assert by_output[acting.input[0]].op_type == "Conv"


def test_other_readers_of_an_activation_read_the_rounded_value(tmp_path: Path):
    """1000 + 0.1 is 1000 in float16, whatever the relu reads."""
    one, x = np.ones((1, 1, 1, 1), np.float16), np.full((1, 1, 1, 1), 0.1, np.float16)

    def build(mb: Any, x: Any) -> Any:
        far = mb.add(x=mb.mul(x=x, y=one), y=np.float16(1000))
        return mb.sub(x=far, y=mb.mul(x=mb.relu(x=far), y=np.float16(0)))

    assert run(lowered(tmp_path, build, x), x).item() == 1000


def test_large_models_widen_their_weights_late_and_compute_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    weight = RANDOM.normal(size=(40, 30)).astype(np.float16)
    x = RANDOM.normal(size=(2, 3, 30)).astype(np.float16)
    made = lowered(tmp_path, lambda mb, x: mb.relu(x=mb.linear(x=x, weight=weight)), x)
    want = np.maximum((x.astype(np.float32) @ weight.T.astype(np.float32)).astype(np.float16), 0)
    usual = run(made, x)
    monkeypatch.setattr(runtime, "_LARGE", 0)
    monkeypatch.setattr(runtime, "_SMALL", 0)
    np.testing.assert_array_equal(run(made, x), usual)
    np.testing.assert_allclose(usual, want, rtol=2e-3)
