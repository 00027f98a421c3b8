"""Operators that gather and scatter, and unknown modes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from single_operators import INT, numbers, run, whole

from paritygate.validate.coreml import ops  # noqa: F401  fills the registry
from paritygate.validate.coreml.bind import TensorType
from paritygate.validate.errors import ParityGateError

COMBINE = {
    "update": lambda a, b: b,
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "max": np.maximum,
    "min": np.minimum,
}


def combined(data: np.ndarray, places: list[Any], updates: list[np.ndarray], mode: str) -> np.ndarray:
    """One update after the other."""
    result = data.copy()
    for place, update in zip(places, updates, strict=True):
        result[place] = COMBINE[mode](result[place], update)
    return result


@pytest.mark.parametrize("opset", [15, 17])
@pytest.mark.parametrize("mode", COMBINE)
class TestScatter:
    """Some positions occur twice; from iOS17 on none is negative."""

    @pytest.mark.parametrize("open_axes", [False, True])
    def test_slices(self, mode: str, opset: int, open_axes: bool):
        data, updates = numbers(2, 4, 3), numbers(2, 3, 3)
        indices = np.array([1, 3, 1] if opset > 15 else [1, -1, 1], np.int32)
        given = {"data": data, "indices": indices, "updates": updates, "axis": 1, "mode": mode}
        (got,) = run("scatter", given, ("data", "indices", "updates"), opset=opset, open_axes=open_axes)
        places = [(slice(None), i) for i in indices]
        wanted = combined(data, places, [updates[:, i] for i in range(3)], mode)
        np.testing.assert_allclose(got, wanted, rtol=1e-6)

    @pytest.mark.parametrize("open_axes", [False, True])
    def test_elements(self, mode: str, opset: int, open_axes: bool):
        data, updates = numbers(2, 3), numbers(4, 3)
        indices = whole(0 if opset > 15 else -2, 2, 4, 3)
        given = {"data": data, "indices": indices, "updates": updates, "axis": -2, "mode": mode}
        (got,) = run("scatter_along_axis", given, ("data", "indices", "updates"), opset=opset, open_axes=open_axes)
        order = [(i, j) for i in range(4) for j in range(3)]
        wanted = combined(data, [(indices[i, j], j) for i, j in order], [updates[p] for p in order], mode)
        np.testing.assert_allclose(got, wanted, rtol=1e-6)

    def test_points(self, mode: str, opset: int):
        data, updates = numbers(3, 4, 2), numbers(2, 3, 2)
        indices = np.stack([whole(0 if opset > 15 else -3, 3, 2, 3), whole(0, 4, 2, 3)], -1)
        indices[1, 2] = indices[0, 0]
        given = {"data": data, "indices": indices, "updates": updates, "mode": mode}
        (got,) = run("scatter_nd", given, ("data", "indices", "updates"), opset=opset)
        order = [(i, j) for i in range(2) for j in range(3)]
        wanted = combined(data, [tuple(indices[p]) for p in order], [updates[p] for p in order], mode)
        np.testing.assert_allclose(got, wanted, rtol=1e-6)


def test_no_update_of_a_repeated_position_is_lost():
    """ONNX Runtime's ScatterND adds 200,000 ones in parallel, and loses most of them."""
    count = 200_000
    given = {
        "data": np.zeros(4, np.float32),
        "indices": np.zeros((count, 1), np.int32),
        "updates": np.ones(count, "f4"),
    }
    (got,) = run("scatter_nd", {**given, "mode": "add"}, tuple(given))
    assert got.tolist() == [count, 0, 0, 0]


def test_integers_divide_towards_zero_and_never_crash_the_process():
    given = {
        "data": np.array([-7, 7, 5], "i4"),
        "indices": np.array([0, 1, 2], "i4"),
        "updates": np.array([2, -2, 0], "i4"),
    }
    (got,) = run("scatter", {**given, "mode": "div"}, tuple(given), (INT,))
    assert got.tolist()[:2] == [-3, -3]


CASES_OF_BAD_INDICES = {
    "gather": {"x": numbers(3), "indices": np.array([0, -1], "i4")},
    "gather_along_axis": {"x": numbers(3), "indices": np.array([-1], "i4")},
    "gather_nd": {"x": numbers(3), "indices": np.array([[-1]], "i4")},
    "scatter": {"data": numbers(3), "indices": np.array([-1], "i4"), "updates": numbers(1)},
    "scatter_along_axis": {"data": numbers(3), "indices": np.array([-1], "i4"), "updates": numbers(1)},
    "scatter_nd": {"data": numbers(3, 2), "indices": np.array([[0, -1]], "i4"), "updates": numbers(1)},
}


@pytest.mark.parametrize("op", CASES_OF_BAD_INDICES)
def test_a_negative_index_is_out_of_bounds_from_ios17_on(op: str):
    given = CASES_OF_BAD_INDICES[op]
    run(op, given, tuple(given), opset=15)
    with pytest.raises(ParityGateError, match="ONNX Runtime failed"):
        run(op, given, tuple(given), opset=17)
    with pytest.raises(ParityGateError, match=rf"op '{op}' \(iOS18\), node 'tested': the index -1 is negative"):
        run(op, given, ("x", "data", "updates") & given.keys(), opset=18)


def test_coordinates_out_of_bounds_are_an_error():
    """(0, 2) of a 2 by 2 matrix would be element 2 of the four, which is (1, 0)."""
    given = {"data": numbers(2, 2), "indices": np.array([[0, 2]], "i4"), "updates": numbers(1)}
    with pytest.raises(ParityGateError, match="ONNX Runtime failed"):
        run("scatter_nd", given, tuple(given))


@pytest.mark.parametrize("dtype", ["float16", "int32", "int16", "uint16", "int8", "uint8"])
@pytest.mark.parametrize("index", ["int32", "int16", "uint16", "int8", "uint8"])
def test_gathers_take_every_type(dtype: str, index: str):
    x, indices = whole(0, 99, 4, 3).astype(dtype), whole(0, 3, 4, 2).astype(index)
    outputs = (TensorType(x.dtype, None),)
    given = {"x": x, "indices": indices}
    (along,) = run("gather_along_axis", {**given, "axis": 1}, given, outputs, 17)
    np.testing.assert_array_equal(along, np.take_along_axis(x, indices.astype(int), 1))
    (batched,) = run("gather", {**given, "axis": 1, "batch_dims": 1}, given, outputs, 17, open_axes=True)
    np.testing.assert_array_equal(batched, along)
    (points,) = run("gather_nd", given, given, outputs, 17)
    np.testing.assert_array_equal(points, x[tuple(indices.T)])


@pytest.mark.parametrize("open_axes", [False, True])
def test_gather_nd_in_batches(open_axes: bool):
    x, indices = numbers(2, 3, 4, 5), np.stack([whole(0, 3, 2, 6), whole(0, 4, 2, 6)], -1)
    given = {"x": x, "indices": indices}
    (got,) = run("gather_nd", {**given, "batch_dims": 1}, given, opset=16, open_axes=open_axes)
    np.testing.assert_array_equal(got, np.stack([x[b][tuple(indices[b].T)] for b in range(2)]))


@pytest.mark.parametrize(
    ("op", "given", "message"),
    [
        ("scatter", {**CASES_OF_BAD_INDICES["scatter"], "mode": "xor"}, "mode 'xor' is not one of update"),
        ("pad", {"x": numbers(3), "pad": np.array([1, 1], "i4"), "mode": "wrap"}, "mode 'wrap'"),
        ("random_categorical", {"x": numbers(3), "mode": "odds"}, "mode 'odds'"),
    ],
)
def test_an_unknown_mode_is_rejected_with_operator_opset_and_node(op: str, given: dict[str, Any], message: str):
    with pytest.raises(ParityGateError, match=message) as caught:
        run(op, given, ["x"] if "x" in given else [])
    assert caught.value.code == "PG404"
    assert f"op '{op}' (iOS15), node 'tested'" in str(caught.value)
