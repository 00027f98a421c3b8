"""What charts are drawn from: counted by numpy in another way, capped, and the same for the same arrays."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paritygate.validate.report.charts import Look, pack, unpack
from paritygate.validate.report.render.json import plain
from paritygate.validate.samples import Sample, SampleKind
from paritygate.validate.verdict.charts import elements
from paritygate.validate.verdict.charts.flips import flips_of_labels, flips_of_scores
from paritygate.validate.verdict.charts.values import Values, drawn
from paritygate.validate.verdict.charts.worst import shown, worst_samples

RNG = np.random.default_rng(5)


def values(*pairs, allowed=1e-3, floors=()):
    want, got = zip(*((np.asarray(a, np.float32), np.asarray(b, np.float32)) for a, b in pairs), strict=True)
    return Values(want, got, [np.full(each.shape, allowed) for each in want], floors)


def noisy(shape, scale=1e-3):
    want = RNG.normal(size=shape)
    return want, want + scale * RNG.normal(size=shape)


@given(st.lists(st.floats(width=32)))
def test_packed_numbers_come_back(numbers):
    assert np.array_equal(unpack(pack(numbers)), numbers, equal_nan=True)


def test_packed_numbers_are_little_endian_float32():
    assert np.array_equal(np.frombuffer(__import__("base64").b64decode(pack([1.5, -2])), "<f4"), [1.5, -2])


def test_the_histogram_counts_every_element_once():
    made = values(noisy((40, 50)), noisy((7, 50), 1e-5), ([np.nan, 1, 2], [0, 1, 2]))
    found = elements.histogram(made)
    ratios = np.concatenate(
        [np.abs(g.astype("d") - w).ravel() / 1e-3 for w, g in zip(made.want, made.got, strict=True)]
    )
    assert sum(found.counts) + found.exact + found.unbounded == made.elements
    assert found.exact == np.count_nonzero(ratios == 0)
    assert found.unbounded == 1
    # The bins that begin at 1 hold exactly what fails: ten to the power of zero is an edge.
    first = round(-found.start / found.step)
    assert sum(found.counts[first:]) == np.count_nonzero(ratios[np.isfinite(ratios)] >= 1)


def test_without_an_allowance_there_is_no_histogram():
    assert elements.histogram(values(noisy((5, 5)), allowed=0.0)) is None
    assert elements.histogram(values((np.ones(3), np.ones(3)), allowed=0.0)) is None


def test_the_floor_is_told_as_a_share_of_the_allowance():
    made = values(noisy((30, 3)), floors=(np.full((30, 3), 2.5e-4),))
    assert elements.histogram(made).floor == pytest.approx(0.25)
    assert elements.quantiles(made.floors) == (2.5e-4,) * 3


@pytest.mark.parametrize(("shape", "drawn_points", "dense"), [((100,), 100, False), ((300, 100), 2000, True)])
def test_the_scatter_is_capped_and_holds_the_worst(shape, drawn_points, dense):
    want, got = noisy(shape)
    got.ravel()[[7, 42]] += [3.0, -2.0]
    found = elements.scatter(values((want, got)))
    assert 0.9 * drawn_points <= found.drawn <= drawn_points
    assert len(unpack(found.reference)) == len(unpack(found.difference)) == found.drawn
    assert [np.ravel_multi_index(point.index, shape) for point in found.worst[:2]] == [7, 42]
    assert (found.density is not None) is dense
    if dense:
        assert sum(count for _, _, count in found.density.cells) == want.size


def test_the_heat_map_keeps_the_greatest_error_of_a_block():
    want = np.zeros((2, 3, 100, 130), np.float32)
    got = want.copy()
    got[1, 2, 99, 129], got[0, 0, 50, 0] = 4, 2
    found = elements.heat_map(values((want, got)))
    table = np.reshape(unpack(found.values), (found.rows, found.columns))
    assert (found.rows, found.columns, found.axes, found.lengths) == (64, 64, (2, 3), (100, 130))
    assert (table[-1, -1], table.max(), np.count_nonzero(table)) == (4, 4, 2)


def test_the_heat_map_tells_what_has_no_error():
    want = np.zeros((2, 3, 100, 130), np.float32)
    got = want.copy()
    got[0, 0, 0, 0], got[1, 2, 99, 129], got[1, 2, 99, 128] = np.nan, np.inf, 4
    table = unpack(elements.heat_map(values((want, got), (want, want))).values)
    assert [n for n, value in enumerate(table) if np.isnan(value)] == [0, 64 * 64 - 1]
    assert np.count_nonzero(np.nan_to_num(table)) == 0


def test_the_heat_map_of_channels_last_is_over_height_and_width():
    assert elements.heat_map(values(noisy((1, 8, 9, 3)))).axes == (1, 2)
    assert elements.heat_map(values(noisy((4, 9)))) is None


def test_the_worst_row_of_the_worst_samples_is_shown():
    want, got = noisy((6, 4), 1e-5)
    got[3, 1] += 1
    feeds = RNG.normal(size=(6, 3, 8, 9)).astype("f")
    made = values(noisy((6, 4), 1e-6), (want, got), noisy((6, 4), 1e-6), noisy((6, 4), 1e-6))
    samples = [Sample(f"s{n}", {"x": feeds}, SampleKind.NORMAL, 6) for n in range(4)]
    found = worst_samples(made, samples, [0, 2, 3, 9])
    assert len(found) == 3
    assert (found[0].sample, found[0].row, found[0].label) == (2, 3, "s1")
    assert found[0].ratio == pytest.approx(1000, rel=1e-3)
    assert np.array_equal(unpack(found[0].reference.values), want[3].astype("f"))
    assert np.array_equal(np.reshape(unpack(found[0].inputs[0].values), (8, 9, 3)), np.moveaxis(feeds[3], 0, -1))


@pytest.mark.parametrize(("shape", "look", "kept"), [
    ((3, 224, 200), Look.IMAGE, (56, 50, 3)),
    ((1, 20, 30, 4), Look.IMAGE, (20, 30, 4)),
    ((16000,), Look.WAVE, (1024,)),
    ((1, 2), Look.ROW, (2,)),
    ((3, 2, 2), Look.ROW, (12,)),
    ((), Look.ROW, (1,)),
])  # fmt: skip
def test_what_an_array_looks_like(shape, look, kept):
    found = shown("x", np.ones(shape, np.float32))
    assert (found.look, found.shape, found.kept, len(unpack(found.values))) == (look, shape, kept, np.prod(kept))


SHAPES = st.one_of(
    st.tuples(st.integers(1, 3000)),
    st.tuples(st.sampled_from((1, 3, 4)), st.integers(4, 150), st.integers(4, 150)),
    st.tuples(st.integers(5, 150), st.integers(5, 150), st.sampled_from((1, 3, 4))),
)


@given(SHAPES, st.data())
def test_the_worst_element_is_among_what_is_shown(shape, data):
    array = np.zeros(shape, np.float32)
    worst = data.draw(st.integers(0, array.size - 1))
    array.flat[worst] = 1
    found = shown("x", array, worst)
    kept = unpack(found.values)
    assert sum(kept) == 1
    assert len(kept) == np.prod(found.kept)
    if found.look is not Look.IMAGE:
        assert found.start + kept.index(1) == worst


def test_flips_are_counted_by_pair_and_ties_stand_apart():
    want = np.array([[0.9, 0.1, 0], [0.5, 0.4999, 0], [0.2, 0.8, 0], [0, 0, 1]])
    got = np.array([[0.1, 0.9, 0], [0.4999, 0.5, 0], [0.2, 0.8, 0], [0, 0, 1]])
    found = flips_of_scores(values((want, got)), ("cat", "dog"))
    assert [(pair.reference, pair.candidate, pair.count) for pair in found.pairs] == [("cat", "dog", 2)]
    margins = unpack(found.margins)
    assert (found.rows, found.flipped, found.ties) == (4, (0, 1), (1,))
    assert margins == pytest.approx([0.8, 1e-4, 0.6, 1], rel=1e-3)
    labels = flips_of_labels(Values([np.array(["a", "b"])], [np.array(["a", "c"])], ()))
    assert [(pair.reference, pair.candidate) for pair in labels.pairs] == [("b", "c")]


@given(st.lists(st.integers(0, 60), max_size=5), st.integers(1, 100))
def test_draws_are_within_the_arrays_and_repeat(sizes, most):
    places = drawn(sizes, most)
    assert [len(at) for at in places] == [len(at) for at in drawn(sizes, most)]
    assert all(((at >= 0) & (at < size)).all() for at, size in zip(places, sizes, strict=True))
    assert sum(map(len, places)) <= most
    if sum(sizes) <= most:
        assert [len(at) for at in places] == sizes


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(width=32), min_size=1, max_size=12), st.data())
def test_any_values_give_strict_json(numbers, data):
    others = data.draw(st.lists(st.floats(width=32), min_size=len(numbers), max_size=len(numbers)))
    made = values((numbers, others), allowed=data.draw(st.sampled_from([0.0, 1e-6, 1.0])))
    sample = Sample("s", {"x": np.asarray(numbers, np.float32)}, SampleKind.NORMAL)
    charts = (elements.histogram(made), elements.scatter(made), worst_samples(made, [sample], [0]))
    assert json.loads(json.dumps(plain(charts), allow_nan=False))
