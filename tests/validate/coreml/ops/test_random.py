"""Random operators: distribution, seeds and bounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from single_operators import FLOAT, run, session

from paritygate.validate.coreml import ops  # noqa: F401  fills the registry
from paritygate.validate.coreml.bind import TensorType
from paritygate.validate.coreml.graph import Graph
from paritygate.validate.coreml.ops.random import random_normal

DISTRIBUTIONS = {
    "random_uniform": ({"low": np.float32(-2), "high": np.float32(3)}, 0.5, 5 / 12**0.5),
    "random_normal": ({"mean": np.float32(1), "stddev": np.float32(2)}, 1.0, 2.0),
    "random_bernoulli": ({"prob": np.float32(0.3)}, 0.3, 0.21**0.5),
}

COUNT = 40_000


@pytest.mark.parametrize("seed", [-1, 0, 7, 2**31 - 1])
@pytest.mark.parametrize("op", DISTRIBUTIONS)
def test_random_numbers(op: str, seed: int):
    """Mean and deviation within 5 standard errors: one run in a million fails without a seed, none with."""
    parameters, mean, deviation = DISTRIBUTIONS[op]
    given = {"shape": np.array([4, COUNT // 4], np.int32), **parameters, "seed": seed}
    (drawn,) = run(op, given)
    assert drawn.shape == (4, COUNT // 4)
    assert abs(drawn.mean() - mean) < 5 * deviation / COUNT**0.5
    assert abs(drawn.std() - deviation) < 5 * deviation / COUNT**0.5
    lagged = np.corrcoef(drawn.reshape(-1)[1:], drawn.reshape(-1)[:-1])[0, 1]
    assert abs(lagged) < 5 / COUNT**0.5
    if op == "random_uniform":
        assert drawn.min() >= -2
        assert drawn.max() < 3
    if op == "random_bernoulli":
        assert set(np.unique(drawn)) == {0, 1}


def test_numbers_of_a_fixed_shape_are_not_drawn_when_the_model_is_loaded(tmp_path: Path):
    """Apple's tests draw 10^8: as constants they would take 22 GB, and remain in the session."""
    g = Graph()
    g.output(random_normal(g, shape=g.const([1000, 100], "int64"), seed=7), "drawn")
    options = ort.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    options.log_severity_level = 4
    ort.InferenceSession(g.build()[0].SerializeToString(), options, providers=["CPUExecutionProvider"])
    assert Path(options.optimized_model_filepath).stat().st_size < 20_000


@pytest.mark.parametrize("op", DISTRIBUTIONS)
def test_equal_seeds_repeat_and_different_seeds_do_not(op: str):
    shape = np.array([100], np.int32)
    given = {"shape": shape, "seed": 3}
    (once,) = run(op, given, ["shape"])
    again = session(op, given, ["shape"], (FLOAT,), 15, False)
    for _ in range(2):
        np.testing.assert_array_equal(again.run({"shape": shape})["output0"], once)
    assert not np.array_equal(run(op, {**given, "seed": 4}, ["shape"])[0], once)
    unseeded = session(op, {**given, "seed": -1}, ["shape"], (FLOAT,), 15, False)
    assert not np.array_equal(*(unseeded.run({"shape": shape})["output0"] for _ in range(2)))


def test_the_upper_bound_is_excluded_in_float16():
    given = {"shape": np.array([COUNT], np.int32), "low": np.float16(0), "high": np.float16(1), "seed": 1}
    (drawn,) = run("random_uniform", given, outputs=(TensorType(np.dtype("float16"), None),))
    assert drawn.max() == np.nextafter(np.float16(1), np.float16(0))


@pytest.mark.parametrize("mode", ["logits", "probs"])
@pytest.mark.parametrize("seed", [-1, 5])
def test_categories(mode: str, seed: int):
    shares = np.array([[0.1, 0.0, 0.6, 0.3], [0.25, 0.25, 0.5, 0.0]], np.float32)
    with np.errstate(divide="ignore"):
        x = np.log(shares) if mode == "logits" else shares
    (drawn,) = run("random_categorical", {"x": x, "mode": mode, "size": COUNT, "seed": seed}, ["x"], open_axes=True)
    assert drawn.shape == (2, COUNT)
    found = np.stack([np.bincount(row.astype(int), minlength=4) for row in drawn]) / COUNT
    np.testing.assert_allclose(found, shares, atol=5 * 0.5 / COUNT**0.5)
    assert not found[shares == 0].any()
