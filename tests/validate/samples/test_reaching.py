"""Samples for what ordinary ones leave out, within a bound that is fixed by the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sample_helpers import X4, signature, spec

from paritygate.validate.errors import ParityGateError
from paritygate.validate.samples import Reach, Sample, SampleKind, Samples, read_samples, run_and_keep
from paritygate.validate.samples.reaching import GREAT_BATCH, GREATEST_BATCH, reaching_samples
from paritygate.validate.signature import Hint, Signature

TOKENS = signature(spec("ids", "int64", "N", "S"), spec("attention_mask", "int64", "N", "S"))
BOUNDED = Signature(TOKENS.inputs, (), bounds={"S": (1, 512)})
ROWS = Hint("ids", low=np.array(0), high=np.array(2999), table=3000 * 64)


def of(samples: tuple[Sample, ...], kind: SampleKind, name: str = "ids") -> list[Any]:
    return [sample.feed[name] for sample in samples if sample.kind is kind]


def test_every_row_of_a_table_is_fed_where_the_model_is_small() -> None:
    samples = reaching_samples(BOUNDED, [ROWS], Reach(3000 * 64 + 1000))
    assert set(np.concatenate([ids.ravel() for ids in of(samples, SampleKind.ROWS)])) == set(range(3000))


@pytest.mark.parametrize(("parameters", "least", "most"), [(10_000_000, 100, 600), (1 << 40, 0, 0)])
def test_a_large_model_gets_a_part_that_its_seed_draws(parameters: int, least: int, most: int) -> None:
    fed = [of(reaching_samples(TOKENS, [ROWS], Reach(parameters), seed=seed), SampleKind.ROWS) for seed in (0, 0, 1)]
    assert least <= sum(ids.size for ids in fed[0]) <= most
    assert [ids.tolist() for ids in fed[0]] == [ids.tolist() for ids in fed[1]]
    assert not most or fed[0][0].tolist() != fed[2][0].tolist()


def test_a_fixed_shape_is_filled_several_times() -> None:
    samples = reaching_samples(
        signature(spec("ids", "int64", 1, 16)), [Hint("ids", np.array(0), np.array(99))], Reach()
    )
    ids = of(samples, SampleKind.ROWS)
    assert {each.shape for each in ids} == {(1, 16)}
    assert set(np.concatenate(ids).ravel()) == set(range(100))


def test_the_greatest_length_that_the_model_allows_is_tried() -> None:
    assert max(ids.shape[1] for ids in of(reaching_samples(BOUNDED, [ROWS], Reach()), SampleKind.LENGTHS)) == 512
    assert not of(reaching_samples(TOKENS, [ROWS], Reach()), SampleKind.LENGTHS)


@pytest.mark.parametrize(
    ("wanted", "reach", "rows"),
    [
        (signature(X4), Reach(1000), [GREATEST_BATCH]),
        (TOKENS, Reach(1000), [GREATEST_BATCH]),
        (TOKENS, Reach(1_000_000), [GREAT_BATCH]),
        (signature(spec("x", "float32", "N", 3, 32, 32)), Reach(1000), [GREAT_BATCH]),
        (signature(spec("x", "float32", "N", 3, 224, 224)), Reach(25_000_000), []),
        (signature(X4), Reach(1000, single_rows=True), []),
        (signature(spec("x", "float32", 1, 4)), Reach(1000), []),
        (Signature((X4,), (), bounds={"N": (1, 64)}), Reach(1000), []),
    ],
)
def test_one_batch_is_beyond_the_usual_sizes(wanted: Signature, reach: Reach, rows: list[int]) -> None:
    hints = [ROWS] if wanted is TOKENS else []
    assert [
        sample.batch for sample in reaching_samples(wanted, hints, reach) if sample.kind is SampleKind.BATCH
    ] == rows


def test_masks_have_every_state() -> None:
    masks = of(reaching_samples(TOKENS, [ROWS], Reach()), SampleKind.MASKS, "attention_mask")
    length = masks[0].shape[1]
    assert [mask[0].sum() for mask in masks] == [length, (length + 1) // 2, 1, 0]
    assert [mask[0, -1] for mask in masks] == [1, 1, 1, 0]


def test_each_feature_of_a_table_lacks_its_value_once() -> None:
    nan, infinity = of(reaching_samples(signature(X4), [], Reach()), SampleKind.SPECIAL, "x")
    assert np.isnan(nan).sum(axis=0).tolist() == [1] * 4
    assert np.isinf(infinity).sum(axis=1).tolist() == [1] * 4


@pytest.mark.parametrize(
    ("answer", "kept", "notes"),
    [
        (lambda x: x, True, []),
        (lambda x: np.full_like(x, np.nan), False, ["NaN throughout"]),
    ],
)
def test_a_sample_that_is_answered_with_nan_alone_is_left_out(answer: Any, kept: bool, notes: list[str]) -> None:
    """A mean over no token is NaN: a bound of 0 is often no more than formal (torch.export's ``Dim("s", max=512)``)."""
    usual = Sample("normal", {"x": np.ones((1, 2))}, SampleKind.NORMAL, 1)
    edge = Sample("lengths, s at 0", {"x": np.zeros((1, 2))}, SampleKind.LENGTHS, 1, optional=True)
    samples, outputs = run_and_keep(
        Samples((usual, edge), "", 0),
        lambda feeds: [{"y": answer(f["x"]) if not f["x"].any() else f["x"]} for f in feeds],
    )
    assert (edge in samples.items, len(outputs)) == (kept, 1 + kept)
    assert all(word in note for word, note in zip(notes, samples.notes, strict=True))


def test_special_values_that_the_reference_refuses_are_no_news() -> None:
    def run(feeds: Any) -> Any:
        raise ParityGateError("PG406", "x", "Input X contains NaN.")

    special = Sample("NaN", {"x": np.ones((1, 2))}, SampleKind.SPECIAL, 1, optional=True)
    assert run_and_keep(Samples((special,), "", 0), lambda feeds: run(feeds) if feeds else [])[0].notes == ()


@pytest.mark.parametrize(
    ("rows", "batch", "whole", "sizes"),
    [
        (150, None, True, [64, 64, 22, 150]),
        (150, None, False, [64, 64, 22]),
        (150, 50, True, [50, 50, 50]),
        (40, None, True, [21, 19, 40]),
        (1, None, True, [1]),
    ],
)
def test_a_users_file_runs_as_one_batch_too(
    tmp_path: Path, rows: int, batch: int | None, whole: bool, sizes: list[int]
) -> None:
    np.save(tmp_path / "x.npy", np.ones((rows, 4), np.float32))
    samples = read_samples(tmp_path / "x.npy", signature(X4), batch=batch, whole=whole)
    assert [sample.batch for sample in samples.items] == sizes


@pytest.mark.parametrize(("output", "kept"), [(1.0, True), (np.inf, False), (np.nan, False)])
def test_infinity_is_kept_where_the_reference_means_something_by_it(output: float, kept: bool) -> None:
    """A tree gives a number; what a network makes of it depends on the order of its operations."""
    feed = {"x": np.array([[np.inf, 1.0]])}
    samples = Samples((Sample("infinity", feed, SampleKind.SPECIAL, 1, optional=True),), "", 0)
    left, _ = run_and_keep(samples, lambda feeds: [{"y": np.array([output, 2.0])} for _ in feeds])
    assert bool(left.items) == kept
