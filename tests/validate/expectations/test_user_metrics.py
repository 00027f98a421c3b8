"""The user's own metrics: what they see, when they fail, and how they reach the report."""

from __future__ import annotations

import numpy as np
import pytest

from paritygate.validate.errors import ParityGateError
from paritygate.validate.expectations.expected import Expectations, apply_expectations, read_expectations
from paritygate.validate.expectations.user_metrics import as_metric
from paritygate.validate.options import JudgeOptions
from paritygate.validate.report.types import Severity
from paritygate.validate.samples.types import Sample

RNG = np.random.default_rng(0)

SAMPLES = [Sample("", {"x": RNG.random((rows, 2))}, batch=rows) for rows in (2, 3)]

WANT = [{"y": sample.feed["x"].sum(axis=1), "n": np.array(7.0)} for sample in SAMPLES]

GOT = [{"y'": output["y"] + 0.5, "n'": output["n"], "more": output["n"]} for output in WANT]


def measured(*metrics, got=GOT):
    bindings = {"y'": "y", "n'": "n"}
    expectations = read_expectations(JudgeOptions(metrics=metrics))
    comparisons, measured_metrics, findings = apply_expectations(
        expectations, (), SAMPLES, WANT, got, bindings, ("a", "b")
    )
    assert comparisons == ()
    return measured_metrics, [(finding.code, finding.severity, finding.message) for finding in findings]


def mean(outputs, inputs):
    assert inputs["x"].shape == (5, 2)
    assert sorted(outputs) == ["0/n", "1/n", "y"]
    return outputs["y"].mean()


def named(outputs, inputs):
    errors = outputs["y"] - inputs["x"].sum(axis=1)
    return {"bias": errors.mean(), "spread": np.ptp(errors)}


def correct_only(outputs, inputs):
    np.testing.assert_allclose(outputs["y"], inputs["x"].sum(axis=1))
    return 1.0


def test_a_metric_sees_all_samples_joined_under_the_references_names():
    (metric,), findings = measured(mean)
    assert metric.reference == pytest.approx(np.concatenate([output["y"] for output in WANT]).mean())
    assert metric.difference == pytest.approx(0.5)
    assert (metric.limit, findings) == (None, [])


def test_a_limit_decides():
    assert measured((mean, 0.51))[1] == []
    ((code, severity, message),) = measured((mean, 0.49))[1]
    assert (code, severity) == ("PG112", Severity.ERROR)
    assert "differ by more than 0.49" in message


def test_a_metric_may_return_several_numbers():
    metrics, findings = measured((named, 1e-9))
    assert [metric.name for metric in metrics] == ["named bias", "named spread"]
    assert [(code, message.split()[0]) for code, _, message in findings] == [("PG112", "bias")]


@pytest.mark.parametrize(
    ("values", "limit", "codes"),
    [
        pytest.param((np.nan, np.nan), 1.0, [("PG306", Severity.ERROR)], id="NaN proves nothing"),
        pytest.param((np.nan, np.nan), None, [("PG306", Severity.WARNING)], id="NaN without a limit"),
        pytest.param((1.0, np.nan), 1.0, [("PG112", Severity.ERROR)], id="NaN for one model"),
        pytest.param((np.inf, np.inf), 0.0, [], id="the same infinity"),
        pytest.param((np.inf, -np.inf), 1.0, [("PG112", Severity.ERROR)], id="the other infinity"),
        pytest.param(({"a": 1.0}, {"b": 1.0}), 1.0, [("PG112", Severity.ERROR)] * 2, id="other names"),
        pytest.param(({"a": 1.0}, {"b": 1.0}), None, [], id="other names without a limit"),
    ],
)
def test_values_without_a_difference(values, limit, codes):
    given = iter(values)
    metric = (lambda outputs, inputs: next(given)) if limit is None else (lambda outputs, inputs: next(given), limit)
    assert [(code, severity) for code, severity, _ in measured(metric)[1]] == codes


def test_a_metric_that_fails_only_on_the_candidate_is_a_finding():
    ((code, severity, message),) = measured((correct_only, 0.0))[1]
    assert (code, severity) == ("PG112", Severity.ERROR)
    assert "AssertionError" in message
    assert measured((correct_only, 0.0), got=[{"y'": output["y"]} for output in WANT])[1] == []
    ((_, severity, message),) = measured(correct_only, got=[{}, GOT[1]])[1]
    assert (severity, "KeyError: 'y'" in message) == (Severity.WARNING, True)


def change_inputs(outputs, inputs):
    inputs["x"][0] = 0
    return 1.0


@pytest.mark.parametrize(
    ("function", "cause"),
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
def test_a_metric_that_cannot_be_used(function, cause):
    with pytest.raises(ParityGateError, match="PG201") as caught:
        measured(function)
    assert cause in caught.value.cause
    assert "outputs (y, 0/n, 1/n) and inputs (x)" in caught.value.remedy


def test_metrics_by_name(tmp_path, monkeypatch, capsys):
    """They are imported from the current folder; what they print doesn't go to stdout, which --json uses."""
    (tmp_path / "my_metrics.py").write_text(
        "print('imported')\nimport my_helper\ndef one(outputs, inputs):\n    print('called')\n    return 1\n"
    )
    (tmp_path / "my_helper.py").write_text("")
    monkeypatch.chdir(tmp_path)
    for text, limit in (("my_metrics:one", None), ("my_metrics.py:one:0.25", 0.25)):
        metric = as_metric(text)
        assert (metric.name, metric.limit) == (text.removesuffix(":0.25"), limit)
        assert measured(text)[0][0].reference == 1
    assert capsys.readouterr().out == ""
    for text in ("my_metrics:two", "nowhere_at_all:one", "my_metrics.py:one:-1", "my_metrics"):
        with pytest.raises(ParityGateError, match="PG201"):
            as_metric(text)


def test_without_metrics_nothing_is_joined():
    assert apply_expectations(Expectations(), (), SAMPLES, [], [], {}, ()) == ((), (), ())


def accuracy(outputs, inputs):
    return float((outputs["label"] == outputs["probabilities"].argmax(axis=1)).mean())


def test_convert_and_validate_take_the_same_expectations(tmp_path):
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    from paritygate.convert import convert
    from paritygate.validate import validate

    model = LogisticRegression(max_iter=500).fit(*load_iris(return_X_y=True))
    expectations = {"thresholds": {"probabilities": (0.2, 0.8)}, "metrics": [(accuracy, 0.0)]}
    reports = [
        convert(model, tmp_path / "model.onnx", **expectations).report,
        validate(tmp_path / "model.onnx", tmp_path / "model.onnx", **expectations),
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
