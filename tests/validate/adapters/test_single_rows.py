"""Candidates that take one sample at a time: rows run one by one, dictionaries, pixels, narrower dtypes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from paritygate.validate.adapters.dictionaries import fold, folded_signature
from paritygate.validate.adapters.pixels import from_pixels, resolved, to_pixels, value_range
from paritygate.validate.adapters.single_rows import as_batches, join, split, takes_rows
from paritygate.validate.adapters.widths import widened
from paritygate.validate.errors import ParityGateError
from paritygate.validate.signature import Dim, ImageInput, Signature, TensorSpec


def signature(**shapes: tuple[Dim, ...]) -> Signature:
    return Signature(tuple(TensorSpec(name, "float32", shape) for name, shape in shapes.items()), ())


@pytest.mark.parametrize(
    ("declared", "fed", "expected"),
    [
        pytest.param((64,), (5, 64), True, id="a vector, fed a table"),
        pytest.param((1, 64), (5, 64), True, id="a batch of one, fed more"),
        pytest.param((1,), (5, 1), True, id="a number, fed a column"),
        pytest.param((1,), (5,), True, id="a number, fed a vector"),
        pytest.param((1, 3, 8, 8), (2, 3, 8, 8), True, id="an image, fed two"),
        pytest.param(("length",), (5, 9), True, id="a vector of any length, fed a table"),
        pytest.param((64,), (1, 64), True, id="a vector, fed a table of one row"),
        pytest.param((1, 64), (1, 64), False, id="a batch of one, fed one"),
        pytest.param(("n", 64), (5, 64), False, id="any batch"),
        pytest.param((64,), (5, 63), False, id="another length"),
        pytest.param((2, 64), (4, 64), False, id="a batch of two, fed four"),
    ],
)
def test_rows_are_used_only_if_the_model_rejects_the_batch(
    declared: tuple[Dim, ...], fed: tuple[int, ...], expected: bool
) -> None:
    assert takes_rows(signature(x=declared), [{"x": np.zeros(fed, np.float32)}]) is expected


def test_inputs_of_different_lengths_are_not_a_batch() -> None:
    feed = {"x": np.zeros((5, 3), np.float32), "y": np.zeros((4, 3), np.float32)}
    assert not takes_rows(signature(x=(3,), y=(3,)), [feed])


@given(arrays(np.float32, st.tuples(st.integers(1, 6), st.integers(1, 4)), elements=st.floats(-9, 9, width=32)))
def test_joined_rows_are_the_batch(table: np.ndarray[Any, Any]) -> None:
    """Whether a model's output for a row still has the batch axis."""
    for declared in ((table.shape[1],), (1, table.shape[1])):
        rows = split({"x": table}, signature(x=declared))
        assert {row["x"].shape for row in rows} == {declared}
        joined = join([{"y": row["x"] * 2} for row in rows], {"y": table})
        np.testing.assert_array_equal(joined["y"], table * 2)


def test_numbers_become_columns_or_vectors_as_the_reference_has_them() -> None:
    rows = [{"y": np.array([float(i)])} for i in range(4)]
    assert join(rows, {"y": np.zeros((4, 1))})["y"].shape == (4, 1)
    assert join(rows, {"y": np.zeros(4)})["y"].shape == (4,)


def test_rows_of_different_shapes_are_rejected() -> None:
    with pytest.raises(ParityGateError, match="changes from row to row"):
        join([{"y": np.zeros(2)}, {"y": np.zeros(3)}], {})


def test_the_batch_view_has_a_symbolic_first_axis() -> None:
    batch = as_batches(signature(x=(64,), image=(1, 3, 8, 8)))
    assert [spec.shape for spec in batch.inputs] == [("batch", 64), ("batch", 3, 8, 8)]


PROBABILITIES = {"p/keys": np.array(["b", "c", "a"]), "p/values": np.array([0.7, 0.2, 0.1])}
CLASSES = {"p": ("a", "b", "c")}


def test_a_dictionary_has_the_order_of_the_reference() -> None:
    folded = fold({**PROBABILITIES, "label": np.array(["b"])}, CLASSES, {"p": "probabilities"})
    assert list(folded) == ["p"]  # the label is redundant
    np.testing.assert_array_equal(folded["p"], [0.1, 0.7, 0.2])


def test_a_label_that_the_reference_has_is_kept() -> None:
    folded = fold({**PROBABILITIES, "label": np.array(["b"])}, CLASSES, {"p": "probabilities", "label": "label"})
    assert folded["label"] == ["b"]


def test_equal_probabilities_allow_either_label() -> None:
    tied = {"p/keys": np.array(["a", "b", "c"]), "p/values": np.array([0.4, 0.2, 0.4])}
    for label in "ac":
        assert "p" in fold({**tied, "label": np.array([label])}, CLASSES, {})


@pytest.mark.parametrize(
    ("outputs", "cause"),
    [
        pytest.param({**PROBABILITIES, "label": np.array(["c"])}, "greatest value", id="label of a lesser class"),
        pytest.param({**PROBABILITIES, "label": np.array(["d"])}, "greatest value", id="label of no class"),
        pytest.param({**PROBABILITIES, "p/keys": np.array(["b", "c", "x"])}, "not the classes", id="another class"),
        pytest.param({**PROBABILITIES, "p/keys": np.array(["b", "b", "a"])}, "not the classes", id="a class twice"),
        pytest.param(
            {"p/keys": np.array(["a", "b"]), "p/values": np.array([0.5, 0.5])}, "not the classes", id="a class less"
        ),
    ],
)
def test_other_classes_and_wrong_labels_are_rejected(outputs: dict[str, np.ndarray[Any, Any]], cause: str) -> None:
    with pytest.raises(ParityGateError, match=cause) as caught:
        fold(outputs, CLASSES, {})
    assert caught.value.code == "PG302"


def test_the_signature_is_split_in_the_same_way() -> None:
    specs = (
        TensorSpec("label", "str", (1,)),
        TensorSpec("p/keys", "str", ("n",)),
        TensorSpec("p/values", "float64", ("n",)),
    )
    both = Signature((), specs)
    assert [s.name for s in folded_signature(both, CLASSES, {}).outputs] == ["p"]
    assert [s.name for s in folded_signature(both, CLASSES, {"label": "label"}).outputs] == ["label", "p"]
    assert folded_signature(both, {}, {}) == both


IMAGES = [
    ImageInput(1 / 255, (0.0,), "RGB"),
    ImageInput(1 / 127.5, (-1.0,), "BGR", channels_last=True),
    ImageInput(0.017, (-2.1, -2.0, -1.8), "RGB"),
]


@pytest.mark.parametrize("image", IMAGES)
@given(pixels=arrays(np.float32, (2, 3, 4, 4), elements=st.integers(0, 255)))
def test_pixels_survive_a_round_trip(image: ImageInput, pixels: np.ndarray[Any, Any]) -> None:
    values = from_pixels(pixels, image, np.dtype("float32"))
    assert values.shape == ((2, 4, 4, 3) if image.channels_last else (2, 3, 4, 4))
    np.testing.assert_array_equal(to_pixels(values, image), pixels)
    low, high = value_range(image)
    slack = 1e-5  # float32 rounding of the products
    assert low - slack <= values.min() <= values.max() <= high + slack


@pytest.mark.parametrize(
    ("shape", "image", "last"),
    [
        (("N", 3, 8, 8), ImageInput(), False),
        (("N", 8, 8, 3), ImageInput(), True),
        ((1, 8, 8, 1), ImageInput(layout="GRAY"), True),
    ],
)
def test_the_channel_axis_follows_from_the_shape(shape: tuple[Dim, ...], image: ImageInput, last: bool) -> None:
    assert resolved({"x": image}, signature(x=shape))["x"].channels_last is last


@pytest.mark.parametrize(
    ("shape", "image"),
    [
        (("N", 4, 8, 8), ImageInput()),
        (("N", 64), ImageInput()),
        (("N", 3, 8, 8), ImageInput(bias=(0.0, 1.0))),
        (("N", 3, 8, 8), ImageInput(layout="GRAY")),
    ],
)
def test_an_input_that_is_not_an_image_is_rejected(shape: tuple[Dim, ...], image: ImageInput) -> None:
    with pytest.raises(ParityGateError) as caught:
        resolved({"x": image}, signature(x=shape))
    assert caught.value.code == "PG201"


def test_an_image_for_an_unknown_input_is_rejected() -> None:
    with pytest.raises(ParityGateError, match="no such input"):
        resolved({"y": ImageInput()}, signature(x=("N", 3, 8, 8)))


@pytest.mark.parametrize(
    ("want", "got", "same"),
    [
        (np.array([1, 2]), np.array([1, 2], np.int32), True),
        (np.array([True, False]), np.array([1, 0], np.int32), True),
        (np.array([3, 4]), np.array([3.0, 4.0], np.float32), True),
        (np.array([True]), np.array([2], np.int32), False),
        (np.array([3]), np.array([3.5], np.float32), False),
        (np.array([3]), np.array([np.nan], np.float32), False),
        (np.array([1.0]), np.array([1], np.int32), False),
    ],
)
def test_integers_get_the_dtype_of_the_reference_only_without_loss(
    want: np.ndarray[Any, Any], got: np.ndarray[Any, Any], same: bool
) -> None:
    wide, notes = widened([{"ours": got}], [{"theirs": want}], {"ours": "theirs"})
    assert (wide[0]["ours"].dtype == want.dtype) is same
    assert bool(notes) is same
