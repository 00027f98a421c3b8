"""What the numbers decide: flips and ties, thresholds, the user's own metrics."""

from __future__ import annotations

import numpy as np
import pytest

from paritygate.validate.errors import ParityGateError
from paritygate.validate.expectations.expected import Expectations, apply_expectations, read_expectations
from paritygate.validate.expectations.user_metrics import as_metric
from paritygate.validate.options import JudgeOptions
from paritygate.validate.report.types import LabelAgreement, Severity, Tolerance
from paritygate.validate.report.user_checks import Crossing
from paritygate.validate.samples.types import Sample
from paritygate.validate.signature import TensorSpec
from paritygate.validate.verdict.compare import compare_outputs
from paritygate.validate.verdict.labels import agreement_of_scores, count_ties
from paritygate.validate.verdict.policies import DefaultPolicy, FixedPolicy
from paritygate.validate.verdict.thresholds import Allowances, crossing, decided_one_by_one, parse_thresholds

RNG = np.random.default_rng(0)


# -- flips and ties ---------------------------------------------------------------------------------------------------


@pytest.fixture
def flipped():
    """300 rows of 7 classes in two samples; rows 0 to 9 are ties by 1e-7 and flip, rows 10 to 12 flip for good."""
    want = RNG.dirichlet(np.ones(7), 300)
    want[:10, :2] = want[:10].max(axis=1)[:, None] + [[1e-7, 0]]
    got = want.copy()
    got[:10, 1] += 2e-7
    got[10:13] = np.roll(got[10:13], 1, axis=1)
    return [want[:100], want[100:]], [got[:100], got[100:]]


def test_flips_are_counted_and_ties_told_apart(flipped):
    want, got = flipped
    allowed = [np.full(part.shape, 2e-7) for part in want]
    agreement = agreement_of_scores(want, got, allowed)
    assert (agreement.rows, agreement.flips, agreement.ties) == (300, 13, 10)


def test_ties_are_measured_by_the_allowance_of_their_own_elements(flipped):
    """Five of the ten rows may be off by enough; a great allowance of another class or row says nothing."""
    want, got = flipped
    allowed = [np.zeros(part.shape) for part in want]
    allowed[0][:5, 0] = 1.1e-7
    allowed[0][5:10, 2:] = 1.0
    allowed[1][:] = 1.0
    assert agreement_of_scores(want, got, allowed).ties == 5
    labels = [part.argmax(axis=1) for part in want], [part.argmax(axis=1) for part in got]
    assert count_ties(labels, want, allowed) == 5


def test_blocks_change_nothing(flipped, monkeypatch):
    want, got = flipped
    allowed = [RNG.choice([0, 2e-7], part.shape) for part in want]
    whole = agreement_of_scores(want, got, allowed)
    monkeypatch.setattr("paritygate.validate.verdict.labels._BLOCK", 50)
    assert agreement_of_scores(want, got, allowed) == whole


def test_every_flip_of_scores_that_pass_is_a_tie():
    """Both scores are within what they may be off, so the gap can't exceed the sum."""
    want = RNG.integers(0, 4, (500, 5)).astype(np.float32) / 4 + RNG.uniform(0, 1e-6, (500, 5)).astype(np.float32)
    got = want + RNG.uniform(-1e-6, 1e-6, want.shape).astype(np.float32)
    (row,) = compare_outputs(
        (TensorSpec("y", "float32", None),), [{"y": want}], [{"y": got}], {"y": "y"}, DefaultPolicy(), scores=("y",)
    )
    assert row.passed
    assert row.labels.flips > 50
    assert row.labels.ties == row.labels.flips


def test_scores_of_any_rank():
    want = RNG.standard_normal((2, 3, 4, 6))
    got = want.copy()
    got[0, 0, 0] = -got[0, 0, 0]
    assert agreement_of_scores([want], [got], [np.zeros(want.shape)]) == LabelAgreement(24, 23, 5, 23 / 24, 0)


def test_allowances_are_what_the_comparison_allows():
    """One element at the bound passes and the next float above fails: the helper must say the same."""
    want = RNG.standard_normal((40, 9)).astype(np.float32)
    tolerance = Tolerance(1e-4, 1e-6, 128, "float32")
    allowed = Allowances([want], tolerance)[0]
    assert allowed.shape == want.shape
    from paritygate.validate.verdict.metrics import measure

    for factor, differing in ((0.999, 0), (1.001, want.size)):
        metrics, _ = measure([want], [want.astype(np.float64) + factor * allowed], tolerance)
        assert metrics.differing == differing


# -- thresholds -------------------------------------------------------------------------------------------------------


def test_crossings_inside_and_outside_of_the_allowance():
    want = np.array([[0.2, 0.4999, 0.5, 0.5], [0.9, 0.1, np.nan, 0.49]])
    got = np.array([[0.2, 0.5, 0.4999, 0.6], [0.9, 0.8, np.nan, 0.5]])
    allowed = np.full(want.shape, 1.5e-4)
    assert crossing([want], [got], [allowed], 0.5) == Crossing(0.5, 8, 4, 2)


def test_crossings_of_blocks_and_samples():
    want = [RNG.random((n, 3), dtype=np.float32) for n in (20_000, 1)]
    want[1][:] = 0.9
    got = [(part + 0.01).astype(np.float32) for part in want]
    crossed = sum(int(np.sum((a >= 0.3) != (b >= 0.3))) for a, b in zip(want, got, strict=True))
    allowed = [RNG.choice([0, 1], part.shape) for part in want]
    inside = int(np.sum(allowed[0][(want[0] >= 0.3) != (got[0] >= 0.3)]))
    assert 0 < inside < crossed
    assert crossing(want, got, allowed, 0.3) == Crossing(0.3, 60_003, crossed, inside)


SIGMOID = RNG.random((50, 6), dtype=np.float32)
SOFTMAX = RNG.dirichlet(np.ones(6), 50).astype(np.float32)


@pytest.mark.parametrize(
    ("array", "is_so"),
    [
        pytest.param(SIGMOID[:, :1], True, id="one class"),
        pytest.param(SIGMOID, True, id="several labels"),
        pytest.param(SIGMOID[:, 0], True, id="one score per row"),
        pytest.param(SIGMOID.reshape(5, 10, 6), True, id="a detector's places and classes"),
        pytest.param(SIGMOID.reshape(5, 1, 10, 6), True, id="a mask"),
        pytest.param(SOFTMAX, False, id="rows sum to one"),
        pytest.param(SOFTMAX.astype(np.float16), False, id="rows sum to one in float16"),
        pytest.param(SIGMOID * 2, False, id="beyond one"),
        pytest.param(SIGMOID - 0.5, False, id="below zero"),
        pytest.param(SIGMOID.reshape(5, 2, 5, 6), False, id="a picture"),
        pytest.param(SIGMOID > 0.5, False, id="booleans"),
        pytest.param((SIGMOID > 0.5).astype(int), False, id="integers"),
        pytest.param(np.array(0.3), False, id="a number alone"),
        pytest.param(SIGMOID[:0], False, id="nothing"),
        pytest.param(np.full((3, 2), np.nan), False, id="NaN"),
    ],
)
def test_what_a_half_decides(array, is_so):
    assert decided_one_by_one([array]) is is_so


def decided(want, got, policy=None, thresholds=None, **more):
    specs = (TensorSpec("y", want.dtype.name, None),)
    (row,) = compare_outputs(
        specs, [{"y": want}], [{"y": got}], {"y": "y"}, policy or DefaultPolicy(), thresholds=thresholds, **more
    )
    return row


def test_crossings_are_told_and_decide_nothing():
    want = SIGMOID.copy()
    want[0, 0] = np.nextafter(np.float32(0.5), np.float32(0))
    got = want.copy()
    got[0, 0] = 0.5
    row = decided(want, got, thresholds={})
    assert row.passed
    assert row.crossings == (Crossing(0.5, 300, 1, 1),)
    assert decided(want, got).crossings == ()


def test_a_threshold_of_the_users_takes_the_default_ones_place():
    got = SIGMOID.copy()
    got[3, 3] = 1 - got[3, 3]
    row = decided(SIGMOID, got, FixedPolicy(0, 1.0), {"y": (0.2, 0.5)})
    assert [each.source for each in row.crossings] == ["user", "user"]
    assert [(each.crossed, each.inside) for each in row.crossings][1] == (1, 1)


def test_crossing_by_more_than_allowed_fails_by_its_value():
    got = SIGMOID.copy()
    got[3, 3] = 1 - got[3, 3]
    row = decided(SIGMOID, got, thresholds={"y": (0.5,)})
    assert row.code == "PG101"
    assert row.crossings == (Crossing(0.5, 300, 1, 0, "user"),)


@pytest.mark.parametrize(
    ("name", "dtype"), [("nope", "float32"), ("y", "str"), ("y", "bool"), ("y", "complex64")], ids=str
)
def test_thresholds_that_cannot_be_meant(name, dtype):
    with pytest.raises(ParityGateError, match="PG201"):
        compare_outputs((TensorSpec("y", dtype, None),), [], [], {}, DefaultPolicy(), thresholds={name: (0.5,)})


def test_texts_of_thresholds():
    assert parse_thresholds(["a:0.5", "a:0.7", "b:0:1e-3"]) == {"a": (0.5, 0.7), "b:0": (1e-3,)}
    for text in ("a", "a:", ":1", "a:x", "a:nan", "a:inf"):
        with pytest.raises(ParityGateError, match="PG201"):
            parse_thresholds([text])


# -- the user's own metrics -------------------------------------------------------------------------------------------

SAMPLES = [Sample("", {"x": RNG.random((rows, 2))}, batch=rows) for rows in (2, 3)]
WANT = [{"y": sample.feed["x"].sum(axis=1), "n": np.array(7.0)} for sample in SAMPLES]
GOT = [{"y'": output["y"] + 0.5, "n'": output["n"], "more": output["n"]} for output in WANT]


def measured(*metrics, got=GOT):
    bindings = {"y'": "y", "n'": "n"}
    expectations = read_expectations(JudgeOptions(metrics=metrics))
    rows, figures, findings = apply_expectations(expectations, (), SAMPLES, WANT, got, bindings, ("a", "b"))
    assert rows == ()
    return figures, [(finding.code, finding.severity, finding.message) for finding in findings]


def mean(outputs, inputs):
    assert inputs["x"].shape == (5, 2)
    assert sorted(outputs) == ["0/n", "1/n", "y"]
    return outputs["y"].mean()


def named(outputs, inputs):
    rows = outputs["y"] - inputs["x"].sum(axis=1)
    return {"bias": rows.mean(), "spread": np.ptp(rows)}


def only_right(outputs, inputs):
    np.testing.assert_allclose(outputs["y"], inputs["x"].sum(axis=1))
    return 1.0


def test_a_metric_sees_all_samples_joined_under_the_references_names():
    (figure,), findings = measured(mean)
    assert figure.reference == pytest.approx(np.concatenate([output["y"] for output in WANT]).mean())
    assert figure.difference == pytest.approx(0.5)
    assert (figure.limit, findings) == (None, [])


def test_a_limit_decides():
    assert measured((mean, 0.51))[1] == []
    ((code, severity, message),) = measured((mean, 0.49))[1]
    assert (code, severity) == ("PG112", Severity.ERROR)
    assert "differ by more than 0.49" in message


def test_a_metric_may_give_several_figures():
    figures, findings = measured((named, 1e-9))
    assert [figure.name for figure in figures] == ["named bias", "named spread"]
    assert [(code, message.split()[0]) for code, _, message in findings] == [("PG112", "bias")]


@pytest.mark.parametrize(
    ("values", "limit", "codes"),
    [
        pytest.param((np.nan, np.nan), 1.0, [("PG306", Severity.ERROR)], id="NaN proves nothing"),
        pytest.param((np.nan, np.nan), None, [("PG306", Severity.WARNING)], id="NaN without a limit"),
        pytest.param((1.0, np.nan), 1.0, [("PG112", Severity.ERROR)], id="NaN on one side"),
        pytest.param((np.inf, np.inf), 0.0, [], id="the same infinity"),
        pytest.param((np.inf, -np.inf), 1.0, [("PG112", Severity.ERROR)], id="the other infinity"),
        pytest.param(({"a": 1.0}, {"b": 1.0}), 1.0, [("PG112", Severity.ERROR)] * 2, id="other names"),
        pytest.param(({"a": 1.0}, {"b": 1.0}), None, [], id="other names without a limit"),
    ],
)
def test_values_without_a_difference(values, limit, codes):
    sides = iter(values)
    metric = (lambda outputs, inputs: next(sides)) if limit is None else (lambda outputs, inputs: next(sides), limit)
    assert [(code, severity) for code, severity, _ in measured(metric)[1]] == codes


def test_a_metric_that_fails_on_the_candidate_alone_speaks_against_it():
    ((code, severity, message),) = measured((only_right, 0.0))[1]
    assert (code, severity) == ("PG112", Severity.ERROR)
    assert "AssertionError" in message
    assert measured((only_right, 0.0), got=[{"y'": output["y"]} for output in WANT])[1] == []
    ((_, severity, message),) = measured(only_right, got=[{}, GOT[1]])[1]
    assert (severity, "KeyError: 'y'" in message) == (Severity.WARNING, True)


def change_inputs(outputs, inputs):
    inputs["x"][0] = 0
    return 1.0


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda outputs, inputs: outputs["z"], "KeyError: 'z'"),
        (lambda outputs, inputs: "many", "ValueError"),
        (lambda outputs, inputs: outputs["y"], "TypeError"),
        (lambda outputs, inputs: {}, "empty mapping"),
        (lambda outputs: 1.0, "TypeError"),
        (change_inputs, "read-only"),
    ],
    ids=["raises", "text", "an array", "nothing", "one argument", "writes"],
)
def test_a_metric_that_cannot_be_used(function, said):
    with pytest.raises(ParityGateError, match="PG201") as caught:
        measured(function)
    assert said in caught.value.cause
    assert "outputs (y, 0/n, 1/n) and inputs (x)" in caught.value.remedy


def test_metrics_by_name(tmp_path, monkeypatch, capsys):
    """They are imported from the current folder, what they print doesn't reach stdout, where --json writes."""
    (tmp_path / "figures_of_mine.py").write_text(
        "print('imported')\nimport helper_of_mine\ndef one(outputs, inputs):\n    print('called')\n    return 1\n"
    )
    (tmp_path / "helper_of_mine.py").write_text("")
    monkeypatch.chdir(tmp_path)
    for text, limit in (("figures_of_mine:one", None), ("figures_of_mine.py:one:0.25", 0.25)):
        metric = as_metric(text)
        assert (metric.name, metric.limit) == (text.removesuffix(":0.25"), limit)
        assert measured(text)[0][0].reference == 1
    assert capsys.readouterr().out == ""
    for text in ("figures_of_mine:two", "nowhere_at_all:one", "figures_of_mine.py:one:-1", "figures_of_mine"):
        with pytest.raises(ParityGateError, match="PG201"):
            as_metric(text)


def test_without_metrics_nothing_is_joined():
    assert apply_expectations(Expectations(), (), SAMPLES, [], [], {}, ()) == ((), (), ())


# -- through the doors ------------------------------------------------------------------------------------------------


def accuracy(outputs, inputs):
    return float((outputs["label"] == outputs["probabilities"].argmax(axis=1)).mean())


def test_conversions_and_comparisons_are_asked_the_same(tmp_path):
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    from paritygate.convert import convert
    from paritygate.validate import validate

    model = LogisticRegression(max_iter=500).fit(*load_iris(return_X_y=True))
    asked = {"thresholds": {"probabilities": (0.2, 0.8)}, "metrics": [(accuracy, 0.0)]}
    reports = [
        convert(model, tmp_path / "model.onnx", **asked).report,
        validate(tmp_path / "model.onnx", tmp_path / "model.onnx", **asked),
    ]
    for report in reports:
        assert report.passed
        (scores,) = [output for output in report.outputs if output.name == "probabilities"]
        assert [(each.threshold, each.source) for each in scores.crossings] == [(0.2, "user"), (0.8, "user")]
        assert scores.labels.rows > 0
        assert report.user_metrics[0].reference > 0.9
        text = str(report)
        assert "elements cross 0.2" in text
        assert f"metric {accuracy.__qualname__}: " in text
