"""Operators on whole tensors against numpy."""

from __future__ import annotations

import numpy as np
import pytest
from single_operators import FLOAT, INT, numbers, run, whole

from paritygate.validate.coreml import ops  # noqa: F401  fills the registry
from paritygate.validate.coreml.bind import TensorType
from paritygate.validate.errors import ParityGateError


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_stack_and_concat(axis: int):
    values = (numbers(2, 3), numbers(2, 3), numbers(2, 3))
    np.testing.assert_array_equal(run("stack", {"values": values, "axis": axis}, ["values"])[0], np.stack(values, axis))
    joined = {"values": values, "axis": axis, "interleave": False}
    np.testing.assert_array_equal(run("concat", joined, ["values"])[0], np.concatenate(values, axis))
    in_turn = np.stack(values, axis % 2 + 1).reshape(np.concatenate(values, axis).shape)
    np.testing.assert_array_equal(run("concat", {**joined, "interleave": True}, ["values"])[0], in_turn)


def test_scalars_are_stacked_to_a_vector():
    values = (np.float32(1), np.float32(2))
    assert run("stack", {"values": values, "axis": 0}, ["values"])[0].tolist() == [1, 2]


def test_split_of_an_axis_of_unknown_length():
    x = numbers(6, 2)
    parts = run("split", {"x": x, "axis": 0, "num_splits": 3}, ["x"], (FLOAT,) * 3, open_axes=True)
    np.testing.assert_array_equal(np.stack(parts), np.stack(np.split(x, 3)))


def test_split_without_a_size_is_rejected():
    with pytest.raises(ParityGateError, match="neither num_splits nor split_sizes"):
        run("split", {"x": numbers(4), "axis": 0}, ["x"])


@pytest.mark.parametrize("axis", [0, 1, -1, -2])
def test_one_hot(axis: int):
    indices = np.array([0, 2, 5, -1], np.int32)
    given = {"indices": indices, "one_hot_vector_size": np.int32(3), "axis": axis, "on_value": 5, "off_value": -1}
    (got,) = run("one_hot", given, ("indices", "one_hot_vector_size"), (INT,), open_axes=True)
    rows = np.where(indices[:, None] == np.arange(3), 5, -1)
    np.testing.assert_array_equal(got, rows if axis in (1, -1) else rows.T)


@pytest.mark.parametrize(("exclusive", "reverse"), [(True, False), (True, True), (False, True)])
def test_cumsum(exclusive: bool, reverse: bool):
    x = whole(-5, 5, 3, 4)
    turned = x[:, ::-1] if reverse else x
    sums = np.cumsum(turned, 1) - (turned if exclusive else 0)
    (got,) = run("cumsum", {"x": x, "axis": 1, "exclusive": exclusive, "reverse": reverse}, ["x"], (INT,))
    np.testing.assert_array_equal(got, sums[:, ::-1] if reverse else sums)


def test_a_long_range_does_not_drift():
    """Adding 0.1 a million times in float32 gives 100958.34."""
    ends = {"start": np.float32(0), "end": np.float32(1e5), "step": np.float32(0.1)}
    (got,) = run("range_1d", ends, ends)
    np.testing.assert_allclose(got, np.arange(got.size) * np.float32(0.1), rtol=1e-6)
    assert got.size == np.ceil(1e5 / np.float64(np.float32(0.1)))


@pytest.mark.parametrize("dtype", ["bool", "int32", "float16", "float32"])
def test_every_type_is_filled_selected_tiled_and_banded(dtype: str):
    x = whole(0, 2, 3, 4).astype(dtype)
    outputs = (TensorType(x.dtype, None),)
    zeros = np.zeros_like(x)
    chosen = {"cond": x > 0, "a": zeros, "b": x}
    np.testing.assert_array_equal(run("select", chosen, chosen, outputs)[0], np.where(x > 0, zeros, x))
    np.testing.assert_array_equal(run("fill", {"shape": [3, 4], "value": zeros[0, 0]}, (), outputs)[0], zeros)
    np.testing.assert_array_equal(run("tile", {"x": x, "reps": [2, 1]}, ["x"], outputs)[0], np.tile(x, (2, 1)))
    banded = run("band_part", {"x": x, "lower": 0, "upper": -1}, ["x"], outputs, open_axes=True)[0]
    np.testing.assert_array_equal(banded, np.triu(x))
    positions = run("non_zero", {"x": x}, ["x"], (INT,))[0]
    np.testing.assert_array_equal(positions, np.argwhere(x))


def test_a_computed_shape_is_filled():
    shape = np.array([2, 3], np.int32)
    assert run("fill", {"shape": shape, "value": 1.5}, ["shape"])[0].tolist() == [[1.5] * 3] * 2


def test_topk_of_all_and_ties():
    x = np.array([[2, 1, 2, 3]], np.int32)
    values, indices = run("topk", {"x": x, "k": -1}, ["x"], (INT, INT), 17, open_axes=True)
    assert (values.tolist(), indices.tolist()) == ([[3, 2, 2, 1]], [[3, 0, 2, 1]])
    assert run("argsort", {"x": x, "ascending": True}, ["x"], (INT,), open_axes=True)[0].tolist() == [[1, 0, 2, 3]]


def test_a_fully_masked_attention_row_is_nan():
    """0 / 0, according to the documented formula; zeros in PyTorch."""
    operands = {"query": numbers(1, 2, 4), "key": numbers(1, 3, 4), "value": numbers(1, 3, 4)}
    given = {**operands, "attn_mask": np.array([[True, False, True], [False, False, False]])}
    (got,) = run("scaled_dot_product_attention", given, given, opset=18, open_axes=True)
    assert np.isfinite(got[0, 0]).all()
    assert np.isnan(got[0, 1]).all()
