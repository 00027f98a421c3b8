"""Generated samples: repeatable, within bounds, of every kind."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_helpers import X4, by_kind, refused, signature, spec
from sklearn.datasets import load_wine

from paritygate.validate.samples import Samples, fit_to, generate_samples
from paritygate.validate.samples.axes import layouts, leading
from paritygate.validate.signature import Hint, TensorSpec

IMAGE = signature(spec("x", "float32", "N", 3, 32, 32))
FROZEN = [[-0.47598857, 0.94220081]]
BERT = signature(
    spec("ids", "int64", "batch", "seq"), spec("attention_mask", "int64", "batch", "seq"), spec("scale", "float32")
)


def same(one: Samples, other: Samples) -> bool:
    return [item.label for item in one.items] == [item.label for item in other.items] and all(
        np.array_equal(a.feed[name], b.feed[name], equal_nan=a.feed[name].dtype.kind == "f")
        for a, b in zip(one.items, other.items, strict=True)
        for name in a.feed
    )


def test_a_seed_repeats_and_another_differs():
    assert same(generate_samples(IMAGE, seed=5), generate_samples(IMAGE, seed=5))
    assert not same(generate_samples(IMAGE, seed=5), generate_samples(IMAGE, seed=6))


def test_a_seed_means_the_same_numbers_everywhere():
    """If a numpy release changes its random streams, the documented repeatability is gone."""
    first = generate_samples(signature(spec("x", "float64", "N", 2)), seed=0).items[0].feed["x"]
    np.testing.assert_allclose(first, FROZEN, rtol=1e-7)


def test_another_input_does_not_change_the_values_of_the_first():
    alone, beside = generate_samples(IMAGE), generate_samples(signature(*IMAGE.inputs, spec("y", "float32", "N", 2)))
    assert same(alone, beside)


def test_the_kinds_have_the_values_that_they_promise():
    samples = generate_samples(IMAGE, count=2)
    assert samples.kinds == ("normal", "uniform", "negative", "zeros", "large", "tiny", "lengths")
    assert [item.label for item in samples.items[:2]] == ["normal, batch 1", "normal, batch 1, again 1"]
    assert all(np.std(array) == pytest.approx(1, abs=0.1) for array in by_kind(samples, "normal"))
    (uniform,), (negative,), (zeros,), (large,), (tiny,) = (by_kind(samples, kind) for kind in samples.kinds[1:-1])
    assert 0 <= uniform.min() < 0.01 < 0.99 < uniform.max() <= 1
    assert -1 <= negative.min() < -0.99 < -0.01 < negative.max() <= 0
    assert not zeros.any()
    assert np.std(large) == pytest.approx(100, rel=0.1)
    assert 0 < abs(tiny).max() < 1e-3
    assert samples.notes == ()


def test_a_range_holds_for_every_kind():
    samples = generate_samples(IMAGE, ranges={"x": (5, 6)})
    for feed in samples.feeds:
        assert feed["x"].min() >= 5
        assert feed["x"].max() <= 6
    assert set(np.unique(by_kind(samples, "large")[0])) == {5, 6}


def test_a_range_wins_over_a_hint():
    hint = Hint("x", low=np.array(0.0), high=np.array(100.0))
    assert generate_samples(IMAGE, [hint]).items[0].feed["x"].max() > 50
    assert generate_samples(IMAGE, [hint], ranges={"x": (0, 1)}).items[0].feed["x"].max() <= 1


@pytest.mark.parametrize(("low", "high"), [(0.0, None), (None, -3.0), (-2.0, None)])
def test_one_bound_alone_holds(low, high):
    hint = Hint("x", *(None if end is None else np.array(end) for end in (low, high)))
    samples = generate_samples(IMAGE, [hint])
    for feed in samples.feeds:
        assert low is None or feed["x"].min() >= low
        assert high is None or feed["x"].max() <= high
    for array in by_kind(samples, "normal"):
        assert np.mean(np.isin(array, (low, high))) < 0.01  # not piled up on the bound


def test_batch_sizes_and_lengths_differ_from_every_other_axis():
    feeds = [item.feed for item in generate_samples(BERT).items if not item.optional]
    shapes = [feed["ids"].shape for feed in feeds]
    assert len({shape[0] for shape in shapes}) == len({shape[1] for shape in shapes}) == 2
    for feed in feeds:
        assert feed["ids"].shape == feed["attention_mask"].shape
        assert feed["ids"].shape[0] != feed["ids"].shape[1]
    assert [place.batch for place in layouts(signature(spec("x", "float32", "N", 3, 4)), None)] == [1, 5]


@pytest.mark.parametrize(
    ("inputs", "lengths"),
    [
        # unnamed leading axes are one batch; unnamed axes at the same place are one length
        ((spec("a", "int64", "?", "?"), spec("b", "int64", "", "?")), lambda s: s["a"] == s["b"]),
        # so do ONNX Runtime's and tf2onnx's names of unnamed axes
        ((spec("a", "int64", "a_0", "a_1"), spec("b", "int64", "unk__7", "unk__8")), lambda s: s["a"] == s["b"]),
        # other names are other lengths
        ((spec("a", "int64", "N", "S"), spec("b", "int64", "N", "T")), lambda s: s["a"][1] != s["b"][1]),
        # the batch is the same symbol wherever it stands
        ((spec("a", "int64", "N", 5), spec("b", "float32", 2, "N", 8)), lambda s: s["a"][0] == s["b"][1]),
        # derived axes, as torch.export and transformers write them
        (
            (spec("ids", "int64", "N", "S"), spec("past", "float32", "N", 2, "P", 8), spec("m", "int64", "N", "P + S")),
            lambda s: s["m"][1] == s["past"][2] + s["ids"][1],
        ),
        ((spec("a", "float32", "s0", 3), spec("b", "float32", "2*s0", 3)), lambda s: s["b"][0] == 2 * s["a"][0]),
        # images of any size can be halved five times
        ((spec("a", "float32", "N", "H", "W", 3),), lambda s: not s["a"][1] % 32 and not s["a"][2] % 32),
    ],
)
def test_dynamic_axes_get_lengths_that_agree(inputs, lengths):
    places = layouts(signature(*inputs), None)
    assert len(places) == 2
    for place in places:
        assert lengths(place.shapes), place.shapes


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ((X4, spec("y", "float32", "N", 2)), "N"),
        ((X4, spec("rate", "int64")), "N"),
        ((spec("x", "float32", 8, 4), spec("y", "float32", 8)), 8),
        ((X4, spec("h", "float32", 2, "N", 4)), None),
        ((X4, spec("e", "float32", "E", 4)), None),
        ((X4, spec("e", "float32", "?", 4)), "N"),
        ((TensorSpec("x", "float32", None),), None),
    ],
)
def test_the_leading_axis_is_the_batch_where_all_inputs_share_it(inputs, expected):
    assert leading(signature(*inputs)) == expected


def test_a_model_without_dynamic_axes_has_one_size():
    samples = generate_samples(signature(spec("x", "float32", 1, 3, 8, 8)))
    assert {feed["x"].shape for feed in samples.feeds} == {(1, 3, 8, 8)}
    assert samples.batch_sizes == ()
    assert samples.items[0].label == "normal"


def test_the_users_batch_sizes_are_used_as_they_are():
    assert generate_samples(IMAGE, batch_sizes=(3, 32)).batch_sizes == (3, 32)


def test_the_default_costs_little():
    rows = sum(len(feed["x"]) for feed in generate_samples(IMAGE).feeds)
    assert rows <= 13


def test_integers_stay_within_the_vocabulary():
    """P27: an index beyond an embedding's table is an error in one engine and garbage in another."""
    hints = [Hint("ids", low=np.array(0), high=np.array(29))]
    samples = generate_samples(BERT, hints)
    ids = np.concatenate([feed["ids"].ravel() for feed in samples.feeds])
    assert ids.min() == 0
    assert ids.max() == 29
    assert ids.dtype == np.int64
    assert [note for note in samples.notes if "'ids'" in note] == []


def test_integers_of_unknown_bounds_are_0_and_1_with_a_note():
    samples = generate_samples(BERT)
    assert {int(value) for feed in samples.feeds for value in feed["ids"].ravel()} == {0, 1}
    assert any("'ids'" in note and "--range ids:LO:HI" in note for note in samples.notes)
    pixels = generate_samples(signature(spec("x", "uint8", "N", 9, 9, 3)))
    assert pixels.notes == ()
    assert max(feed["x"].max() for feed in pixels.feeds) == 255


def test_a_mask_leaves_a_position_in_every_row():
    """A softmax over no position at all is 0/0, which every engine handles differently."""
    for feed in generate_samples(BERT).feeds:
        assert feed["attention_mask"].any(axis=1).all()


@pytest.mark.parametrize(
    ("dtype", "hint", "span"),
    [
        ("int64", None, (-5, 7)),
        ("int32", Hint("n", low=np.array([2, 0]), high=np.array([4, 9])), None),
        ("uint8", None, (3, 3)),
    ],
)
def test_integers_reach_both_ends_of_their_range(dtype, hint, span):
    width = 2 if hint else 1
    samples = generate_samples(
        signature(spec("n", dtype, "N", width)), [hint] if hint else [], ranges={"n": span} if span else None
    )
    values = np.concatenate(by_kind(samples, "random"))
    low, high = (hint.low, hint.high) if hint else span
    np.testing.assert_array_equal(values.min(axis=0), np.broadcast_to(low, width))
    np.testing.assert_array_equal(values.max(axis=0), np.broadcast_to(high, width))


@pytest.mark.parametrize(
    ("wanted", "ranges", "words"),
    [
        (X4, {"y": (0, 1)}, "'y'.*no such input.*x"),
        (spec("x", "uint8", "N"), {"x": (-1, 5)}, "not a range of uint8"),
        (spec("x", "int64", "N"), {"x": (0.2, 0.8)}, "not a range of int64"),
        (spec("x", "str", "N"), {"x": (0, 1)}, "doesn't apply to an input of str"),
        (spec("x", "bool", "N"), {"x": (0, 1)}, "doesn't apply to an input of bool"),
    ],
)
def test_a_range_that_fits_no_input_is_a_usage_error(wanted, ranges, words):
    with refused("PG201", words):
        generate_samples(signature(wanted), ranges=ranges)


def test_what_cannot_be_generated_is_refused():
    with refused("PG206", "'x'", "rank"):
        generate_samples(signature(TensorSpec("x", "float32", None)))
    with refused("PG204", "bfloat16"):
        generate_samples(signature(spec("x", "bfloat16", "N")))
    with refused("PG201", "seed -1"):
        generate_samples(signature(X4), seed=-1)


def test_text_is_drawn_from_the_vocabulary():
    wanted = signature(spec("city", "str", "N", 1))
    samples = generate_samples(wanted, [Hint("city", vocabulary=("Bonn", "Köln", "Ulm"))])
    words = {str(word) for feed in samples.feeds for word in feed["city"].ravel()}
    assert words == {"Bonn", "Köln", "Ulm"}
    assert samples.kinds == ("random", "lengths")
    samples = generate_samples(wanted, [Hint("city", vocabulary=("Bonn", "Köln", "Ulm"), unknown=True)])
    outsiders = {str(word) for word in by_kind(samples, "unknown")[0].ravel()} - {"Bonn", "Köln", "Ulm"}
    assert len(outsiders) == 2
    assert "" in outsiders


@pytest.mark.parametrize(("dtype", "vocabulary"), [("int64", (3, 5, 8)), ("float32", (0.5, 2.0))])
def test_numbers_are_drawn_from_the_vocabulary(dtype, vocabulary):
    samples = generate_samples(signature(spec("x", dtype, "N", 1)), [Hint("x", vocabulary=vocabulary, unknown=True)])
    known = {value for item in samples.items if item.kind != "unknown" for value in item.feed["x"].ravel().tolist()}
    assert known == set(vocabulary)
    assert set(by_kind(samples, "unknown")[0].ravel().tolist()) > set(vocabulary)
    assert samples.notes == ()


def test_a_table_has_many_rows():
    samples = generate_samples(signature(spec("age", "float32", "N", 1), spec("city", "str", "N", 1)))
    assert samples.batch_sizes == (1, 2, 131)
    assert generate_samples(signature(spec("x", "float32", "N", 1 << 19))).batch_sizes == (1, 2, 3)


@pytest.mark.parametrize(
    ("dtype", "hint", "rows"),
    [
        ("int64", None, 3),
        ("int32", Hint("ids", low=np.array(0), high=np.array(30521)), 3),
        ("int64", Hint("ids", low=np.array([0, 0]), high=np.array([4, 9])), 131),
        ("int64", Hint("ids", categories=((1, 2), (3,))), 131),
        ("float32", None, 131),
    ],
)
def test_token_ids_are_no_table(dtype, hint, rows):
    """Each costs as much as a row does; features whose values the model names one by one are a table."""
    samples = generate_samples(signature(spec("ids", dtype, "N", 2)), [hint] if hint else [])
    assert samples.batch_sizes[-1] == rows


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_are_on_both_sides_of_every_threshold(dtype):
    """A comparison is tested with its threshold and the next number on either side (P1, P6)."""
    points = (np.array([0.1, 2.7, 1e6]), np.array([]), np.array([0.0]))
    samples = generate_samples(signature(spec("x", dtype, "N", 3)), [Hint("x", points=points)])
    (rows,) = by_kind(samples, "thresholds")
    assert rows.dtype == dtype
    assert len(rows) == 1021
    for point in (0.1, 2.7, 1e6):
        at = np.dtype(dtype).type(point)
        near = {at, np.nextafter(at, -np.inf, dtype=dtype), np.nextafter(at, np.inf, dtype=dtype)}
        assert near <= set(rows[:, 0])
    assert 0.0 in rows[:, 0]
    assert {np.sign(value) for value in rows[:, 2]} == {-1, 0, 1}
    assert (abs(rows[:, 2][rows[:, 2] != 0]) >= np.finfo(dtype).tiny).all()  # no subnormal numbers
    usual = by_kind(samples, "uniform")[0]
    assert usual[:, 0].max() > 1e6 > usual[:, 0].mean()


def test_thresholds_between_integers_and_within_bounds():
    hint = Hint("n", low=np.array([0]), high=np.array([10]), points=(np.array([3.5, 10.0]),))
    samples = generate_samples(signature(spec("n", "int64", "N", 1)), [hint])
    assert set(by_kind(samples, "thresholds")[0].ravel()) == {0, 2, 3, 4, 5, 9, 10}


def test_all_leaves_of_a_fitted_tree_are_reached():
    from sklearn.tree import DecisionTreeClassifier

    data, target = load_wine(return_X_y=True)
    tree = DecisionTreeClassifier(random_state=0).fit(data, target)
    used, thresholds = tree.tree_.feature, tree.tree_.threshold
    points = tuple(np.unique(thresholds[used == feature]) for feature in range(data.shape[1]))
    samples = generate_samples(signature(spec("X", "float32", "N", data.shape[1])), [Hint("X", points=points)])
    leaves = set(tree.apply(by_kind(samples, "thresholds")[0]))
    assert leaves == set(np.flatnonzero(tree.tree_.children_left < 0))


def test_missing_values_are_generated_where_they_are_legal():
    """P2: NaN takes its own path through a tree."""
    wanted = signature(spec("x", "float64", "N", 5), spec("y", "float32", "N", 2), spec("t", "str", "N", 1))
    samples = generate_samples(wanted, [Hint("x", missing=True), Hint("t", vocabulary=("a",), missing=True), Hint("y")])
    (item,) = [item for item in samples.items if item.kind == "missing"]
    assert np.isnan(item.feed["x"]).any(axis=0).all()
    assert not np.isnan(item.feed["x"]).all(axis=1).any()
    assert not np.isnan(item.feed["y"]).any()
    assert set(item.feed["t"].ravel()) == {"a", ""}
    assert not any(np.isnan(sample.feed["x"]).any() for sample in samples.items if sample.kind != "missing")


def test_every_feature_is_missing_once_even_with_few_rows():
    samples = generate_samples(signature(spec("x", "float32", 3, 40)), [Hint("x", missing=True)])
    assert np.isnan(by_kind(samples, "missing")[0]).any(axis=0).all()


@settings(max_examples=40, deadline=None)
@given(
    inputs=st.lists(
        st.builds(
            TensorSpec,
            st.sampled_from("abcd"),
            st.sampled_from(["float16", "float32", "float64", "int8", "uint8", "int64", "bool", "str", "complex64"]),
            st.lists(st.one_of(st.integers(1, 4), st.sampled_from(["N", "S", "?", "S + 1"])), max_size=3).map(tuple),
        ),
        min_size=1,
        max_size=3,
        unique_by=lambda each: each.name,
    ),
    seed=st.integers(0, 2**64),
)
def test_generated_samples_fit_their_own_signature(inputs, seed):
    wanted = signature(*inputs)
    samples = generate_samples(wanted, seed=seed)
    refitted = fit_to(samples, wanted)
    assert refitted.notes == samples.notes  # nothing had to be cast
    assert len({item.label for item in samples.items}) == len(samples.items)
    for item, again in zip(samples.items, refitted.items, strict=True):
        assert all(item.feed[name] is again.feed[name] for name in item.feed)
