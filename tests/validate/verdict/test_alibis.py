"""What a candidate file must not get by its own properties: a measurement switched off, and answers that change."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser

from paritygate.validate import ExitCode, validate
from paritygate.validate.report.types import Severity, Verdict

RNG = np.random.default_rng(4)
WEIGHTS = {"first": RNG.normal(size=(16, 32)), "second": RNG.normal(size=(32, 6))}
BODY = "a = MatMul(x, first) b = Tanh(a) c = MatMul(b, second) s = Softmax<axis = 1>(c)"


def network(path: Path, *, scale: float = 1.0, opset: int = 20, more: str = "y = Identity(s)", half: int = 0) -> Path:
    """A small classifier; ``scale`` is the fault, ``half`` the size of a float16 tensor that nothing reads."""
    model = parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : {opset}]> g (float[N, 16] x) => (float[N, 6] y) {{ {BODY} {more} }}'
    )
    for name, value in WEIGHTS.items():
        factor = scale if name == "second" else 1.0
        model.graph.initializer.append(numpy_helper.from_array((value * factor).astype(np.float32), name))
    if half:
        model.graph.initializer.append(numpy_helper.from_array(np.ones(half, np.float16), "unused"))
    onnx.save(model, path)
    return path


EMPTY = """
    none = Constant<value = int64[1] {0}>() axis = Constant<value = int64[1] {1}>()
    e = Slice(s, none, none, axis) f = Mul(e, e) y = Concat<axis = 1>(s, f)"""


@pytest.mark.parametrize(
    "file",
    [
        pytest.param({"opset": 10}, id="an old opset"),
        pytest.param({"opset": 7}, id="the oldest opset"),
        pytest.param({"half": 5000}, id="float16 that nothing reads"),
        pytest.param({"half": 5000, "opset": 9}, id="both"),
        pytest.param({"more": EMPTY}, id="a tensor without elements"),
        pytest.param({"more": EMPTY, "opset": 12}, id="the same in an old opset"),
    ],
)
def test_a_small_fault_is_seen_whatever_else_the_file_holds(file, tmp_path):
    """A factor of 1 + 3e-5: far within the table of dtypes, and thirty times the rounding."""
    right = network(tmp_path / "right.onnx")
    report = validate(right, network(tmp_path / "same.onnx", **file), localise=False)
    assert report.passed, str(report)
    assert report.outputs[0].tolerance.source == "computed"
    assert report.outputs[0].tolerance.dtype == "float32"
    faulty = network(tmp_path / "faulty.onnx", scale=1 + 3e-5, **file)
    assert validate(right, faulty, localise=False).exit_code is ExitCode.PARITY_FAILED


def warnings(report):
    return [f for f in report.findings if f.code == "PG316"]


def test_what_could_not_be_measured_is_a_warning_with_its_reason(tmp_path):
    """An opset that is older than any that can be perturbed; a policy that needs no measurement gets no warning."""
    right, old = network(tmp_path / "right.onnx"), network(tmp_path / "old.onnx", more="y = Identity(s)", opset=6)
    report = validate(right, old, localise=False)
    (warning,) = warnings(report)
    assert warning.severity is Severity.WARNING
    assert "the graph's opset, 6, is older than 7" in warning.message
    assert not warnings(validate(right, old, policy="table", localise=False))


def noisy(path: Path, scale: str) -> Path:
    return network(path, more=f"r = RandomNormalLike<scale = {scale}>(s) y = Add(s, r)")


@pytest.mark.parametrize("scale", ["0.00001", "0.000001", "0.0000001", "0.00000002"])
def test_a_candidate_that_answers_differently_proves_nothing(scale, tmp_path):
    report = validate(network(tmp_path / "right.onnx"), noisy(tmp_path / "noisy.onnx", scale), localise=False)
    assert report.verdict is not Verdict.PASS
    (finding,) = [f for f in report.findings if f.code == "PG307"]
    assert (finding.severity, finding.where) == (Severity.ERROR, "output y")
    assert "two runs of the candidate on the same samples differ (RandomNormalLike)" in finding.message


def test_random_numbers_that_no_run_shows_are_said(tmp_path):
    report = validate(
        network(tmp_path / "right.onnx"), noisy(tmp_path / "noisy.onnx", "0." + "0" * 29 + "1"), localise=False
    )
    assert report.passed, str(report)
    (finding,) = [f for f in report.findings if f.code == "PG307"]
    assert finding.severity is Severity.WARNING
