"""Budgets: what may differ is counted on the user's rows, and nothing else is excused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from paritygate.validate.errors import ParityGateError
from paritygate.validate.expectations.expected import Expectations, read_expectations
from paritygate.validate.expectations.user_metrics import as_metric
from paritygate.validate.options import JudgeOptions
from paritygate.validate.report.budgets import BudgetKind, Budgets
from paritygate.validate.report.types import Verdict
from paritygate.validate.samples.types import Sample, SampleKind
from paritygate.validate.signature import Signature, TensorSpec
from paritygate.validate.verdict.budgets.binomial import rows_needed, share_at_most
from paritygate.validate.verdict.comparison import CandidateOutputs, Comparison, ReferenceOutputs
from paritygate.validate.verdict.judge import Judgement, judge
from paritygate.validate.verdict.policies import DefaultPolicy

RNG = np.random.default_rng(0)
SCORES = RNG.dirichlet(np.ones(4), 200).astype(np.float32)
LABELS = np.array(list("abcd"))[SCORES.argmax(axis=1)]


def with_flips(scores: np.ndarray, count: int) -> np.ndarray:
    """The scores, a little off everywhere, and with another best class in the first rows."""
    got = scores * np.float32(1.01)
    got[:count] = np.roll(got[:count], 1, axis=1)
    return got


def judged(
    want: Mapping[str, np.ndarray],
    got: Mapping[str, np.ndarray],
    budgets: Budgets,
    labels: Mapping[str, str] | None = None,
    more: tuple[Mapping[str, np.ndarray], Mapping[str, np.ndarray]] | None = None,
    **expectations: Any,
) -> Judgement:
    """``more`` are both models' outputs for a sample that isn't the user's."""
    specs = tuple(
        TensorSpec(name, "str" if array.dtype.kind == "U" else array.dtype.name, ("N", *array.shape[1:]))
        for name, array in want.items()
    )
    signature = Signature((TensorSpec("x", "float32", ("N", 4)),), specs, labels=labels or {})
    pairs = [(want, got), *([more] if more else [])]
    kinds = [SampleKind.FILE, SampleKind.SEARCHED]
    samples = [
        Sample(kind.value, {"x": np.zeros((len(next(iter(pair[0].values()))), 4), np.float32)}, kind)
        for kind, pair in zip(kinds, pairs, strict=False)
    ]
    expected, actual = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    comparison = Comparison(
        signature,
        signature,
        samples,
        ReferenceOutputs(expected, paired=[{} for _ in pairs]),
        CandidateOutputs(actual),
        {name: name for name in want},
    )
    return judge(comparison, DefaultPolicy(), Expectations(budgets=budgets, **expectations))


@pytest.mark.parametrize(
    ("flips", "verdict", "code"), [(0, Verdict.PASS, ""), (2, Verdict.PASS, ""), (3, Verdict.FAIL, "PG107")]
)
def test_flips_are_held_to_their_share(flips: int, verdict: Verdict, code: str) -> None:
    found = judged({"y": SCORES}, {"y": with_flips(SCORES, flips)}, Budgets(max_flips=0.01))
    (output,) = found.outputs
    assert (output.verdict, output.code) == (verdict, code)
    assert [(each.kind, each.flips, each.rows) for each in found.budgets] == [(BudgetKind.FLIPS, flips, 200)]


def test_without_a_budget_the_same_values_fail() -> None:
    assert judged({"y": SCORES}, {"y": with_flips(SCORES, 0)}, Budgets()).outputs[0].code == "PG101"


def test_labels_count_as_flips_too() -> None:
    got = {"label": np.roll(LABELS, 0).copy(), "y": with_flips(SCORES, 2)}
    got["label"][:2] = np.where(got["label"][:2] == "a", "b", "a")
    found = judged({"label": LABELS, "y": SCORES}, got, Budgets(max_flips=0.01), {"label": "y"})
    assert [output.verdict for output in found.outputs] == [Verdict.PASS] * 2
    assert found.outputs[0].labels.flips == 2
    strict = judged({"label": LABELS, "y": SCORES}, got, Budgets(max_flips=0.005), {"label": "y"})
    assert [output.code for output in strict.outputs] == ["PG107"] * 2


def test_only_the_users_rows_are_counted() -> None:
    more = {"y": SCORES}, {"y": with_flips(SCORES, 100)}
    found = judged({"y": SCORES}, {"y": with_flips(SCORES, 1)}, Budgets(max_flips=0.01), more=more)
    assert [(each.flips, each.rows) for each in found.budgets] == [(1, 200)]
    assert found.outputs[0].passed


@pytest.mark.parametrize(("decibels", "passed"), [(39.9, True), (40.1, False)])
def test_the_signal_to_noise_ratio_is_held(decibels: float, passed: bool) -> None:
    """An error of 1 % everywhere is 40 dB."""
    want = RNG.normal(size=(50, 7, 3)).astype(np.float64)
    found = judged({"y": want}, {"y": want * 1.01}, Budgets(min_snr=decibels))
    assert found.outputs[0].passed is passed
    assert found.budgets[0].value == pytest.approx(40.0)


WRONG: Mapping[str, tuple[dict[str, np.ndarray], str]] = {
    "NaN": ({"y": np.where(SCORES[0, 0] == SCORES, np.nan, SCORES).astype(np.float32)}, "PG106"),
    "a shape": ({"y": SCORES[:, :3]}, "PG102"),
    "a dtype": ({"y": SCORES.astype(np.float64)}, "PG103"),
    "a missing output": ({}, "PG104"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_budget_excuses_nothing_but_values(fault: str) -> None:
    got, code = WRONG[fault]
    assert judged({"y": SCORES}, got, Budgets(max_flips=0.9, min_snr=1)).outputs[0].code == code


def test_what_no_budget_bounds_keeps_its_tolerance() -> None:
    pixels = RNG.normal(size=(200, 5, 5)).astype(np.float32)
    want, got = {"y": SCORES, "map": pixels}, {"y": with_flips(SCORES, 0), "map": pixels * np.float32(1.01)}
    codes = {output.name: output.code for output in judged(want, got, Budgets(max_flips=0.01)).outputs}
    assert codes == {"y": "", "map": "PG101"}
    assert all(output.passed for output in judged(want, got, Budgets(max_flips=0.01, min_snr=30)).outputs)


def test_a_bound_on_flips_needs_classes() -> None:
    with pytest.raises(ParityGateError, match="no output gives classes") as error:
        judged({"y": SCORES[:, :1]}, {"y": SCORES[:, :1]}, Budgets(max_flips=0.01))
    assert error.value.code == "PG201"


def accuracy(outputs: Mapping[str, np.ndarray], inputs: Mapping[str, np.ndarray]) -> float:
    return float(np.mean(outputs["y"].argmax(axis=1) == SCORES.argmax(axis=1)))


@pytest.mark.parametrize(("limit", "codes"), [(0.03, []), (0.02, ["PG112"])])
def test_a_metric_may_drop_so_far(limit: float, codes: list[str]) -> None:
    found = judged(
        {"y": SCORES},
        {"y": with_flips(SCORES, 5)},
        Budgets(max_drop={"accuracy": limit}),
        metrics=(as_metric(accuracy),),
    )
    assert [finding.code for finding in found.findings if finding.severity.value == "error"] == codes
    assert found.outputs[0].passed


def test_a_drop_of_no_metric_is_refused() -> None:
    with pytest.raises(ParityGateError, match="there is no such metric"):
        read_expectations(JudgeOptions(max_drop={"recall": 0.1}, metrics=(accuracy,)))


def test_too_few_rows_are_said() -> None:
    found = judged({"y": SCORES[:20]}, {"y": with_flips(SCORES[:20], 0)}, Budgets(max_flips=0.005))
    (finding,) = [finding for finding in found.findings if finding.code == "PG335"]
    assert found.outputs[0].passed
    assert "0 flips of 20 rows can't prove 0.5 %" in finding.message
    assert "at most 14 %" in finding.message
    assert "598 rows" in finding.hint


@pytest.mark.parametrize(("some", "rows"), [(0, 20), (1, 20), (3, 200), (17, 50), (400, 10_000), (19, 20)])
def test_the_bound_is_clopper_and_pearsons(some: int, rows: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    assert share_at_most(some, rows, 0.95) == pytest.approx(stats.beta.ppf(0.95, some + 1, rows - some), rel=1e-9)
    assert share_at_most(rows, rows, 0.95) == 1.0


def test_as_many_rows_as_said_prove_a_limit() -> None:
    rows = rows_needed(0.005, 0.95)
    assert share_at_most(0, rows, 0.95) <= 0.005 < share_at_most(0, rows - 1, 0.95)


REFUSED = [{"max_flips": 1.0}, {"max_flips": -0.1}, {"min_snr": 0.0}, {"max_drop": {"m": -1.0}}]


@pytest.mark.parametrize("given", REFUSED, ids=str)
def test_budgets_that_anything_holds_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ParityGateError) as error:
        JudgeOptions(**given)
    assert error.value.code == "PG201"
