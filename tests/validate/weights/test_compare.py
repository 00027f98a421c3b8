"""Parameters are found whatever exact change a converter makes to them, and a changed value is found in all of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paritygate.validate.weights.compare import compare_weights
from paritygate.validate.weights.types import WeightsProof

RANDOM = np.random.default_rng(0)


def drawn(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape).astype(np.float32)


TABLE, KERNEL, LSTM, GRU, BACKWARD = drawn(1000, 8), drawn(8, 3, 3, 3), drawn(40, 6), drawn(30, 5), drawn(30, 5)
QUERY, KEY, VALUE = drawn(16, 32), drawn(16, 32), drawn(16, 32)
BIAS, OTHER = drawn(40), drawn(40)
GAMMA, BETA, MEAN, VARIANCE = np.abs(drawn(8)), drawn(8), drawn(8), np.abs(drawn(8))
NORM = {"bn.gamma": GAMMA, "bn.beta": BETA, "bn.mean": MEAN, "bn.variance": VARIANCE}


def gates(array: np.ndarray, order: tuple[int, ...]) -> np.ndarray:
    parts = np.split(array, len(order))
    return np.concatenate([parts[at] for at in order])


def folded(epsilon: float = 1e-5, shift: float = 0.0) -> dict[str, np.ndarray]:
    """The kernel and its bias as a converter writes them, computed in float64."""
    scale = GAMMA.astype(np.float64) / np.sqrt(VARIANCE.astype(np.float64) + epsilon)
    bias = BETA - MEAN * scale + shift
    return {"k": (KERNEL * scale[:, None, None, None]).astype(np.float32), "b": bias.astype(np.float32)}


@pytest.mark.parametrize(("reference", "candidate", "how"), [
    pytest.param({"w": TABLE}, {"c": TABLE}, "identical", id="identical"),
    pytest.param({"w": TABLE}, {"c": TABLE.T.copy()}, "identical", id="transposed"),
    pytest.param({"w": KERNEL}, {"c": KERNEL.transpose(2, 3, 1, 0).copy()}, "identical", id="axes of a kernel"),
    pytest.param({"w": TABLE}, {"c": TABLE.reshape(100, 10, 8)[None]}, "identical", id="reshaped"),
    pytest.param({"q": QUERY, "k": KEY, "v": VALUE}, {"c": np.concatenate([QUERY, KEY, VALUE]).T.copy()}, "identical",
                 id="joined and transposed"),
    pytest.param({"w": np.concatenate([QUERY, KEY])}, {"a": QUERY, "b": KEY.T.copy()}, "identical", id="sliced"),
    pytest.param({"w": LSTM}, {"c": gates(LSTM, (0, 3, 1, 2))[None]}, "identical", id="gates of an LSTM"),
    pytest.param({"w": GRU}, {"c": gates(GRU, (1, 0, 2))[None]}, "identical", id="gates of a GRU"),
    pytest.param({"f": GRU, "b": BACKWARD},
                 {"c": np.stack([gates(GRU, (1, 0, 2)), gates(BACKWARD, (1, 0, 2))])}, "identical",
                 id="both directions of a GRU"),
    pytest.param({"a": BIAS, "b": OTHER}, {"c": np.concatenate([gates(BIAS, (0, 3, 1, 2)), OTHER])[None]},
                 "identical", id="joined biases"),
    pytest.param({"w": -0.0 * TABLE[:, :2]}, {"c": 0.0 * TABLE[:, :2]}, "identical", id="the sign of zero"),
    pytest.param({"w": TABLE}, {"c": TABLE.astype(np.float16)}, "cast", id="float16"),
    pytest.param({"w": TABLE.astype(np.float64)}, {"c": TABLE}, "identical", id="doubles that are floats"),
    pytest.param({"w": TABLE}, {"c": TABLE.astype(np.float64)}, "identical", id="widened"),
    pytest.param({"a": BIAS, "b": OTHER}, {"c": BIAS + OTHER}, "folded", id="a sum of biases"),
    pytest.param({"w": KERNEL, **NORM}, folded(), "folded", id="batch normalisation"),
    pytest.param({"w": KERNEL, **NORM}, folded(1e-3), "folded", id="batch normalisation of Keras"),
    pytest.param({"b": np.zeros(5, np.float32)}, {"c": TABLE}, "folded", id="a bias of zeros that is left out"),
])  # fmt: skip
def test_everything_is_found(reference, candidate, how):
    proof = compare_weights(reference, candidate)
    assert proof.differences == proof.missing == ()
    # Where doubles hold floats, they were rounded on the way there, which changed nothing.
    assert getattr(proof, how) + (proof.cast if how == "identical" else 0) == proof.values


def nudged(array: np.ndarray, index: tuple[int, ...]) -> np.ndarray:
    copy = array.copy()
    copy[index] = np.nextafter(copy[index], np.float32(np.inf))
    return copy


SWAPPED = TABLE[np.r_[0:3, 9, 4:9, 3, 10:1000]]


@pytest.mark.parametrize(("reference", "candidate", "parameter", "index", "places"), [
    pytest.param({"w": TABLE}, {"c": nudged(TABLE, (17, 3))}, "w", (17, 3), 1, id="one value by one step"),
    pytest.param({"w": TABLE}, {"c": nudged(TABLE, (17, 3)).T.copy()}, "w", (17, 3), 1, id="transposed"),
    pytest.param({"w": TABLE}, {"head": TABLE.T.copy(), "c": nudged(TABLE, (17, 3))}, "w", (17, 3), 1,
                 id="one of two copies"),
    pytest.param({"w": TABLE}, {"c": gates(TABLE, (0, 1, 2, 3, 4, 5, 7, 6))}, "w", (750, 0), 2000,
                 id="two of eight blocks swapped"),
    pytest.param({"w": TABLE}, {"c": SWAPPED}, "w", (3, 0), 16, id="two rows swapped"),
    pytest.param({"w": KERNEL}, {"c": nudged(KERNEL, (2, 1, 0, 2)).transpose(2, 3, 1, 0)}, "w", (2, 1, 0, 2), 1,
                 id="a kernel"),
    pytest.param({"b": BIAS}, {"c": nudged(BIAS, (5,))}, "b", (5,), 1, id="a bias"),
    pytest.param({"q": QUERY, "k": KEY, "v": VALUE},
                 {"c": np.concatenate([QUERY, nudged(KEY, (5, 7)), VALUE]).T.copy()}, "k", (5, 7), 1, id="joined"),
])  # fmt: skip
def test_a_changed_value_is_found(reference, candidate, parameter, index, places):
    (found,) = compare_weights(reference, candidate).differences
    assert (found.parameter, found.index, found.places) == (parameter, index, places)
    assert found.expected != found.actual


@pytest.mark.parametrize(("reference", "candidate"), [
    pytest.param({"w": TABLE}, {"c": TABLE * np.float32(1.5)}, id="scaled"),
    pytest.param({"w": TABLE}, {"c": drawn(1000, 8)}, id="others"),
    pytest.param({"w": KERNEL, **NORM}, folded(shift=0.01), id="a bias folded wrongly"),
    pytest.param({"w": LSTM}, {"c": LSTM[RANDOM.permutation(40)]}, id="rows in no order"),
])  # fmt: skip
def test_what_comes_from_no_parameter_is_named_and_left_to_samples(reference, candidate):
    proof = compare_weights(reference, candidate)
    assert proof.differences == ()
    assert proof.missing
    assert proof.accounted < proof.values


def test_equal_rows_do_not_break_a_run():
    """Rows of zeros stand in several places; the two parameters share half of their rows."""
    first = TABLE[:50].copy()
    first[10:20] = first[40] = 0
    second = first.copy()
    second[:25] = drawn(25, 8)
    proof = compare_weights({"a": first, "b": second}, {"c": np.concatenate([second, first])})
    assert (proof.identical, proof.missing, proof.differences) == (800, (), ())


def test_the_proof_counts_and_names():
    proof = compare_weights({"used": TABLE, "pooler": QUERY}, {"c": TABLE, "d": drawn(20)})
    assert proof == WeightsProof(8512, identical=8000, missing=("pooler",), unexplained=("d",))


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_any_axes_and_any_slice(data: st.DataObject):
    shape = tuple(data.draw(st.lists(st.integers(2, 6), min_size=2, max_size=4), label="shape"))
    array = np.random.default_rng(data.draw(st.integers(0, 999))).normal(size=shape).astype(np.float32)
    order = data.draw(st.permutations(range(len(shape))), label="order")
    cut = data.draw(st.integers(1, shape[0] - 1), label="cut")
    whole = compare_weights({"w": array}, {"c": array.transpose(order).copy()})
    parts = compare_weights({"w": array}, {"a": array[:cut].copy(), "b": array[cut:].transpose(order).copy()})
    assert whole.identical == parts.identical == array.size


NOISY = LSTM * (1 + 1e-3 * drawn(*LSTM.shape))
SCALES = np.linspace(0.999, 1.001, 16, dtype=np.float32)[:, None]


@pytest.mark.parametrize(("reference", "candidate"), [
    pytest.param({"w": TABLE}, {"c": TABLE * np.float32(1.0001)}, id="scaled"),
    pytest.param({"w": TABLE}, {"c": (TABLE * np.float32(1.03)).T.copy()}, id="scaled and transposed"),
    pytest.param({"w": KERNEL}, {"c": KERNEL.astype(np.float16).astype(np.float32).transpose(2, 3, 1, 0).copy()},
                 id="rounded to float16"),
    pytest.param({"w": LSTM}, {"c": gates(NOISY, (0, 3, 1, 2))[None]}, id="noisy gates"),
    pytest.param({"w": QUERY, "v": VALUE}, {"c": np.round(QUERY, 4), "d": VALUE}, id="four decimals"),
])  # fmt: skip
def test_a_parameter_that_is_changed_everywhere_is_found(reference, candidate):
    proof = compare_weights(reference, candidate)
    assert [each.parameter for each in proof.differences] == ["w"]


@pytest.mark.parametrize(("reference", "candidate"), [
    pytest.param({"v": QUERY, "g": SCALES}, {"c": QUERY * SCALES}, id="weight normalisation"),
    pytest.param({"v": QUERY, "u": BIAS}, {"c": QUERY / np.float32(1.01)}, id="spectral normalisation"),
    pytest.param({"w": QUERY}, {"c": np.round(QUERY * 50) / 50}, id="quantised in training"),
    pytest.param({"w": TABLE}, {"c": drawn(1000, 8)}, id="another table of the same distribution"),
    pytest.param({"w": QUERY}, {"c": QUERY * np.float32(0.125)}, id="a scale of attention"),
])  # fmt: skip
def test_what_a_converter_computes_is_no_difference(reference, candidate):
    assert compare_weights(reference, candidate).differences == ()


def test_constants_of_a_float16_program_are_rounded_parameters():
    """Core ML's programs are lowered to float32 graphs, whose constants hold numbers of float16."""
    half = QUERY.astype(np.float16).astype(np.float32).T.copy()
    proof = compare_weights({"w": QUERY}, {"c": half}, "float16")
    assert (proof.cast, proof.differences, proof.missing) == (QUERY.size, (), ())
    scaled = (half * np.float32(1.5)).astype(np.float32)
    assert compare_weights({"w": QUERY}, {"c": scaled}, "float16").missing == ("w",)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize(("change", "differs"), [(0.999995, False), (1.01, True)])
def test_neighbours_in_float16_are_rounding(dtype, change, differs):
    """An untrained batch normalisation scales by 0.999995: of 216 folded values one or two round the other way."""
    kernel = np.random.default_rng(7).normal(size=(8, 3, 3, 3)).astype(np.float32)
    folded = kernel.astype(np.float16)
    moved = kernel * np.float32(change)
    folded.reshape(-1)[:3] = moved.astype(np.float16).reshape(-1)[:3]
    folded.reshape(-1)[5] = np.nextafter(folded.reshape(-1)[5], np.float16(9))  # a tie that went the other way
    precision = "" if dtype is np.float16 else "float16"
    found = compare_weights({"w": kernel}, {"c": folded.astype(dtype)}, precision)
    assert bool(found.differences) is differs
