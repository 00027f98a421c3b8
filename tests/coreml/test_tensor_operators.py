"""Operators that have no value inference, or one that leaves much out: against numpy, written as the documents say it.

Arguments are drawn from a fixed seed; everything that the model may compute is an input of the graph.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest

from paritygate.validate.coreml import ops  # noqa: F401  fills the registry
from paritygate.validate.coreml.bind import MIL, Op, TensorType
from paritygate.validate.coreml.features import Feature
from paritygate.validate.coreml.files.weights import Blobs
from paritygate.validate.coreml.graph import Graph
from paritygate.validate.coreml.lower import Lowered
from paritygate.validate.coreml.ops.random import random_normal
from paritygate.validate.coreml.runtime import Session
from paritygate.validate.errors import ParityGateError

RNG = np.random.default_rng(11)
FLOAT = TensorType(np.dtype("float32"), None)
INT = TensorType(np.dtype("int32"), None)


def session(
    op: str,
    given: Mapping[str, Any],
    computed: Collection[str],
    outputs: tuple[TensorType, ...],
    opset: int,
    open_axes: bool,
) -> Session:
    """One operator as a model. A tuple is an argument of several tensors; with ``open_axes`` no length is fixed."""
    g = Graph()
    arguments: dict[str, list[Any]] = {}
    features: list[Feature] = []
    for name, value in given.items():
        parts = {f"{name}{i}": v for i, v in enumerate(value)} if isinstance(value, tuple) else {name: value}
        arguments[name] = []
        for part, array in parts.items():
            array = np.asarray(array)
            if name not in computed:
                arguments[name].append(g.const(array))
                continue
            shape = (None,) * array.ndim if open_axes else array.shape
            arguments[name].append(g.input(part, array.dtype, shape))
            features.append(Feature(part, "multiArrayType", array.dtype, shape))
    operation = Op(op, "tested", opset, outputs)
    for i, value in enumerate(MIL.find(operation)(g, operation, arguments)):
        g.output(value, f"output{i}")
    results = tuple(Feature(f"output{i}", "multiArrayType", t.dtype, t.shape) for i, t in enumerate(outputs))
    return Session(Lowered(g, tuple(features), results, (), Blobs(Path())))


def run(
    op: str,
    given: Mapping[str, Any],
    computed: Collection[str] = (),
    outputs: tuple[TensorType, ...] = (FLOAT,),
    opset: int = 15,
    open_axes: bool = False,
) -> list[np.ndarray]:
    feeds = {}
    for name in computed:
        value = given[name]
        feeds |= {f"{name}{i}": v for i, v in enumerate(value)} if isinstance(value, tuple) else {name: value}
    values = session(op, given, computed, outputs, opset, open_axes).run(feeds)
    return [values[f"output{i}"] for i in range(len(outputs))]


def numbers(*shape: int) -> np.ndarray:
    return RNG.uniform(0.5, 3, shape).astype(np.float32)


def whole(low: int, high: int, *shape: int) -> np.ndarray:
    return RNG.integers(low, high, shape).astype(np.int32)


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
    """Some places are hit twice; from iOS17 on none is negative."""

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
    """ONNX Runtime's ScatterND adds 200,000 ones in parallel, and most of them vanish."""
    count = 200_000
    given = {
        "data": np.zeros(4, np.float32),
        "indices": np.zeros((count, 1), np.int32),
        "updates": np.ones(count, "f4"),
    }
    (got,) = run("scatter_nd", {**given, "mode": "add"}, tuple(given))
    assert got.tolist() == [count, 0, 0, 0]


def test_whole_numbers_divide_towards_zero_and_never_stop_the_process():
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


def test_a_point_outside_does_not_become_another_point():
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


def test_split_of_an_open_axis():
    x = numbers(6, 2)
    parts = run("split", {"x": x, "axis": 0, "num_splits": 3}, ["x"], (FLOAT,) * 3, open_axes=True)
    np.testing.assert_array_equal(np.stack(parts), np.stack(np.split(x, 3)))


def test_split_without_a_size_is_refused():
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
    """Adding up 0.1 a million times in float32 ends at 100958.34."""
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


def test_a_row_that_attends_to_nothing_is_nan():
    """0 / 0, as the documented formula says; PyTorch gives zeros."""
    operands = {"query": numbers(1, 2, 4), "key": numbers(1, 3, 4), "value": numbers(1, 3, 4)}
    given = {**operands, "attn_mask": np.array([[True, False, True], [False, False, False]])}
    (got,) = run("scaled_dot_product_attention", given, given, opset=18, open_axes=True)
    assert np.isfinite(got[0, 0]).all()
    assert np.isnan(got[0, 1]).all()


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two boxes (x, y of the centre, width, height)."""
    sides = [
        min(a[i] + a[i + 2] / 2, b[i] + b[i + 2] / 2) - max(a[i] - a[i + 2] / 2, b[i] - b[i + 2] / 2) for i in (0, 1)
    ]
    common = max(sides[0], 0) * max(sides[1], 0)
    return common / (a[2] * a[3] + b[2] * b[3] - common)


def survivors(boxes: np.ndarray, scores: np.ndarray, iou: float, least: float, most: int, by_class: bool) -> list[int]:
    """The indices that are left in one batch, best first."""
    best, classes = scores.max(1), scores.argmax(1)
    kept: list[int] = []
    for i in np.argsort(-best, kind="stable"):
        rivals = [j for j in kept if not by_class or classes[i] == classes[j]]
        if best[i] >= least and all(overlap(boxes[i], boxes[j]) <= iou for j in rivals):
            kept.append(int(i))
    return (kept or [int(best.argmax())])[:most]


@pytest.mark.parametrize("by_class", [False, True])
@pytest.mark.parametrize(
    ("iou", "least", "most"), [(0.2, -1.0, 9), (0.5, 0.3, 9), (0.0, 0.3, 3), (1.2, 0.0, 40), (0.3, 2.0, 5)]
)
def test_non_maximum_suppression(iou: float, least: float, most: int, by_class: bool):
    boxes = np.concatenate([RNG.uniform(0, 20, (2, 30, 2)), RNG.uniform(5, 9, (2, 30, 2))], -1).astype(np.float32)
    scores = RNG.uniform(0, 1, (2, 30, 3)).astype(np.float32)
    scores[0, 0] = least, least - 1, least - 1  # equal to the threshold is not below it
    given = {"boxes": boxes, "scores": scores, "iou_threshold": np.float32(iou), "score_threshold": np.float32(least),
             "max_boxes": most, "per_class_suppression": by_class}  # fmt: skip
    got = run("non_maximum_suppression", given, ("boxes", "scores"), (FLOAT, FLOAT, INT, INT), open_axes=True)
    for batch in range(2):
        kept = survivors(boxes[batch], scores[batch], iou, least, most, by_class)
        count = len(kept)
        assert got[3][batch] == count
        assert got[2][batch].tolist() == kept + [-1] * (most - count)
        for chosen, source in zip(got, (boxes, scores), strict=False):
            np.testing.assert_array_equal(chosen[batch][:count], source[batch][kept])
            assert not chosen[batch][count:].any()


def test_non_maximum_suppression_of_columns():
    """The form of iOS17: boxes along the last axis, no score threshold, no count."""
    boxes = np.array([[[5, 5, 4, 4], [5, 5, 4, 3], [20, 5, 4, 4]]], np.float32)
    scores = np.array([[[0.5], [0.9], [-7.0]]], np.float32)
    given = {"boxes": boxes.transpose(0, 2, 1), "scores": scores.transpose(0, 2, 1), "iou_threshold": np.float32(0.5),
             "max_boxes": 4}  # fmt: skip
    got = run("non_maximum_suppression", given, ("boxes", "scores"), (FLOAT, FLOAT, INT), 17)
    assert got[2].tolist() == [[1, 2, -1, -1]]
    np.testing.assert_array_equal(got[0][0, :, :2], boxes[0, [1, 2]].T)
    assert got[1].tolist() == [[[np.float32(0.9), -7, 0, 0]]]


DISTRIBUTIONS = {
    "random_uniform": ({"low": np.float32(-2), "high": np.float32(3)}, 0.5, 5 / 12**0.5),
    "random_normal": ({"mean": np.float32(1), "stddev": np.float32(2)}, 1.0, 2.0),
    "random_bernoulli": ({"prob": np.float32(0.3)}, 0.3, 0.21**0.5),
}
COUNT = 40_000


@pytest.mark.parametrize("seed", [-1, 0, 7, 2**31 - 1])
@pytest.mark.parametrize("op", DISTRIBUTIONS)
def test_random_numbers(op: str, seed: int):
    """Mean and deviation within 5 standard errors: one run in a million misses without a seed, none with."""
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
    """Apple's tests draw 10^8: as constants they would take 22 GB, and a place in the session for good."""
    g = Graph()
    g.output(random_normal(g, shape=g.const([1000, 100], "int64"), seed=7), "drawn")
    options = ort.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    options.log_severity_level = 4
    ort.InferenceSession(g.build()[0].SerializeToString(), options, providers=["CPUExecutionProvider"])
    assert Path(options.optimized_model_filepath).stat().st_size < 20_000


@pytest.mark.parametrize("op", DISTRIBUTIONS)
def test_a_seed_repeats_and_another_does_not(op: str):
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


@pytest.mark.parametrize(
    ("op", "given", "message"),
    [
        ("scatter", {**CASES_OF_BAD_INDICES["scatter"], "mode": "xor"}, "mode 'xor' is not one of update"),
        ("pad", {"x": numbers(3), "pad": np.array([1, 1], "i4"), "mode": "wrap"}, "mode 'wrap'"),
        ("random_categorical", {"x": numbers(3), "mode": "odds"}, "mode 'odds'"),
    ],
)
def test_what_is_unknown_is_refused_by_operator_opset_and_node(op: str, given: dict[str, Any], message: str):
    with pytest.raises(ParityGateError, match=message) as caught:
        run(op, given, ["x"] if "x" in given else [])
    assert caught.value.code == "PG404"
    assert f"op '{op}' (iOS15), node 'tested'" in str(caught.value)
