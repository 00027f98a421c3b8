"""The computed tolerance: what it allows, what it doesn't excuse, and when one engine disagrees with itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser

from paritygate.validate import ExitCode, ParityGateError, validate
from paritygate.validate.events import ignore
from paritygate.validate.noise.request import Measurements, Narrowed
from paritygate.validate.noise.rounding import measure_rounding
from paritygate.validate.report.types import Verdict
from paritygate.validate.signature import TensorSpec
from paritygate.validate.verdict.compare import compare_outputs
from paritygate.validate.verdict.computed import CONDITION, FACTOR, ComputedPolicy
from paritygate.validate.verdict.evidence import Evidence
from paritygate.validate.verdict.policies import DefaultPolicy, NarrowPolicy, OverridingPolicy
from paritygate.validate.workers.job_folder import JobFolder

RNG = np.random.default_rng(11)
WANT = RNG.uniform(1, 2, (3, 50)).astype(np.float32)
SPEC = TensorSpec("y", "float32", ("N", 50))
FLOOR = np.full(WANT.shape, 1e-6)
ULPS = 2 * 2.0**-23  # two spacings of float32 between 1 and 2


def judged(error, evidence, policy=None):
    """One output that is off by ``error`` in one element."""
    got = WANT.copy()
    got[1, 7] += np.float32(error)
    informed = (policy or ComputedPolicy()).informed(evidence)
    (row,) = compare_outputs((SPEC,), [{"y": WANT}], [{"y": got}], {"y": "y"}, informed)
    return row


STEADY = Evidence({"y": (FLOOR,)}, {"y": (np.full(WANT.shape, 1e-7),)}, runs=10)
ROUGH = Evidence({"y": (FLOOR * 1000,)}, {"y": (np.full(WANT.shape, 1e-7),)}, runs=10)
UNSTEADY = Evidence({"y": (FLOOR * 1000,)}, {"y": (np.full(WANT.shape, 1e-4),)}, runs=10)
JUMPING = Evidence(UNSTEADY.floors, UNSTEADY.conditions, frozenset({"y"}), runs=10)
TABLE = 1e-6 + 1e-4 * float(WANT[1, 7]) + 128 * 2.0**-23


@pytest.mark.parametrize(
    ("dtype", "subnormal", "passed"),
    [("float32", 2.2e-41, True), ("float32", 2.31e-38, True), ("float32", 6e-38, False), ("float16", 5e-5, False)],
)
def test_a_subnormal_result_may_be_zero(dtype, subnormal, passed):
    """TensorFlow's softmax gives 0 for 2.2e-41 and 2.31e-38. In float16 numbers below its least normal one count."""
    want = np.array([[0.0, 1.0]], dtype)
    measured = Evidence({"y": (np.full(want.shape, 0.0),)}, {"y": (np.full(want.shape, 0.0),)}, runs=10)
    got = want + np.array([[subnormal, 0.0]], dtype)
    spec = TensorSpec("y", dtype, ("N", 2))
    policy = ComputedPolicy().informed(measured)
    (row,) = compare_outputs((spec,), [{"y": want}], [{"y": got}], {"y": "y"}, policy)
    assert row.passed == passed


@pytest.mark.parametrize(
    ("evidence", "allowed"),
    [
        pytest.param(STEADY, FACTOR * 1e-6 + ULPS, id="four floors, far below the table"),
        pytest.param(ROUGH, TABLE + ULPS, id="a candidate rougher than its source is held to the table"),
        pytest.param(UNSTEADY, FACTOR * 1e-3 + ULPS, id="where the reference is unsteady too, four floors again"),
        pytest.param(JUMPING, TABLE + ULPS, id="a branch that rounding takes excuses nothing"),
        pytest.param(Evidence(), TABLE, id="nothing was measured: the table"),
    ],
)
def test_what_an_element_may_be_off(evidence, allowed):
    """The bound itself, from both sides; 2 % leave room for float32's own grid at 1."""
    assert judged(0.96 * allowed, evidence).passed
    row = judged(1.04 * allowed, evidence)
    assert (row.verdict, row.code) == (Verdict.FAIL, "PG101")
    assert row.worst.allowed == pytest.approx(allowed, rel=1e-3)


def test_the_condition_counts_so_many_times():
    evidence = Evidence({"y": (FLOOR * 1e5,)}, {"y": (np.full(WANT.shape, 1e-5),)}, runs=10)
    assert judged(1.0, evidence).worst.allowed == pytest.approx(CONDITION * 1e-5, rel=1e-3)


def test_the_report_names_floor_factor_and_runs():
    row = judged(0, STEADY)
    assert (row.tolerance.source, row.tolerance.factor, row.tolerance.runs) == ("computed", FACTOR, 10)
    assert row.tolerance.floor == pytest.approx(1e-6)


def test_bounds_of_the_users_own_take_its_place():
    policy = OverridingPolicy(ComputedPolicy(), {"y": (0.0, 0.5)})
    assert judged(0.4, STEADY, policy).passed
    assert judged(0.4, STEADY, policy).tolerance.source == "user"


def test_a_coarse_candidate_is_still_measured():
    """float16's row is the ceiling then, and the floor what it was."""
    row = judged(0, STEADY, NarrowPolicy(ComputedPolicy(), "float16"))
    assert row.tolerance.dtype == "float16"
    assert judged(5e-3, STEADY, NarrowPolicy(ComputedPolicy(), "float16")).code == "PG101"


def test_integers_stay_exact():
    spec = TensorSpec("y", "int64", (3,))
    evidence = Evidence({"y": (np.full(3, 10.0),)}, {}, runs=10)
    (row,) = compare_outputs(
        (spec,),
        [{"y": np.array([1, 2, 3])}],
        [{"y": np.array([1, 2, 4])}],
        {"y": "y"},
        ComputedPolicy().informed(evidence),
    )
    assert row.code == "PG107"


# -- through the gate -----------------------------------------------------------------------------------------------

MODEL = """
<ir_version: 8, opset_import: ["" : 17]> net (float[N, 24] x) => (float[N, 8] y) {
  a = MatMul(x, first)
  b = Tanh(a)
  y = MatMul(b, second)
}
"""


def network(path: Path, nudge: float = 0.0, body: str = MODEL) -> Path:
    random = np.random.default_rng(3)
    model = parser.parse_model(body)
    for name, shape in {"first": (24, 32), "second": (32, 8)}.items():
        value = random.normal(size=shape).astype(np.float32)
        value.flat[0] *= 1 + nudge
        model.graph.initializer.append(numpy_helper.from_array(value, name))
    onnx.save(model, path)
    return path


def test_a_fault_below_the_table_is_seen(tmp_path):
    """One of 1,024 weights off by 0.005 %: more than this network's rounding, and nothing to a table per dtype."""
    right, wrong = network(tmp_path / "right.onnx"), network(tmp_path / "wrong.onnx", 5e-5)
    # Of thousands of rows, one may show it to the table as well; the weights differ in any case (PG114).
    assert validate(right, wrong, policy="table", batch_sizes=(1, 16)).outputs[0].passed
    report = validate(right, wrong)
    assert report.exit_code is ExitCode.PARITY_FAILED
    assert "the noise floor" in report.outputs[0].reason
    assert validate(right, right).passed


def test_another_order_of_the_same_sums_passes(tmp_path):
    """The first product in two halves: the same numbers, rounded otherwise."""
    halves = MODEL.replace(
        "a = MatMul(x, first)",
        "p, q = Split<axis = 1, num_outputs = 2>(x)\n r, s = Split<axis = 0, num_outputs = 2>(first)\n"
        "u = MatMul(p, r)\n v = MatMul(q, s)\n a = Add(u, v)",
    ).replace('["" : 17]', '["" : 18]')
    report = validate(network(tmp_path / "whole.onnx"), network(tmp_path / "halves.onnx", body=halves))
    assert report.passed
    assert report.outputs[0].metrics.errors.max_absolute > 0


def halved(path: Path, nudge: float = 0.0) -> Path:
    """The network in float16 between its input and its output, which stay float32."""
    half = MODEL.replace("x, first", "h, first").replace("  a =", "  h = Cast<to = 10>(x)\n  a =")
    half = half.replace("  y = MatMul(b, second)", "  z = MatMul(b, second)\n  y = Cast<to = 1>(z)")
    model = onnx.load(network(path, nudge, half))
    for tensor in model.graph.initializer:
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), tensor.name))
    onnx.save(model, path)
    return path


def test_a_network_in_float16_is_held_to_its_own_rounding(tmp_path):
    """Weights in float16: the noise is float16's, and a fault of a tenth still shows."""
    right = network(tmp_path / "right.onnx")
    accepting = {"ranges": {"x": (-2, 2)}, "precision": "fp16"}
    report = validate(right, halved(tmp_path / "half.onnx", 0.0), **accepting)
    assert report.passed, str(report)
    assert report.outputs[0].tolerance.floor > 1e-4
    assert not validate(right, halved(tmp_path / "nudged.onnx", 0.5), **accepting).passed


@pytest.mark.parametrize(("reference", "precision", "accepted"), [
    pytest.param("right", "fp32", False, id="float16 that nobody asked for"),
    pytest.param("right", "fp16", True, id="asked for"),
    pytest.param("right", "bf16", True, id="finer than what is asked for"),
    pytest.param("half", "fp32", True, id="the reference computes in float16 as well"),
])  # fmt: skip
def test_a_coarser_precision_must_be_accepted(tmp_path, reference: str, precision: str, accepted: bool):
    """The tolerance of float16 would hide what float32 is held to."""
    files = {"right": network(tmp_path / "right.onnx"), "half": halved(tmp_path / "half.onnx")}
    report = validate(files[reference], files["half"], ranges={"x": (-2, 2)}, precision=precision)
    assert report.passed == accepted
    assert ("PG322" in {finding.code for finding in report.findings}) != accepted


def test_another_shape_is_said_before_any_floor(tmp_path):
    """Floors have the candidate's shape, conditions the reference's."""
    turned = MODEL.replace("y = MatMul(b, second)", "z = MatMul(b, second)\n  y = Transpose(z)").replace(
        "[N, 8]", "[8, N]"
    )
    report = validate(network(tmp_path / "right.onnx"), network(tmp_path / "turned.onnx", body=turned))
    assert [row.code for row in report.outputs] == ["PG102"]


def test_a_norm_of_hardly_anything_passes(tmp_path):
    """Beside the bias an input of 1e-6 is lost in rounding, which the norm then blows up: another order, other digits.

    A shaken last bit of such an input moves nothing, so the reference's condition can't tell.
    """
    body = """
    <ir_version: 8, opset_import: ["" : 17]> net (float[N, 3, 8, 8] x) => (float[N, 3, 8, 8] y) {
      ones = Constant<value = float[3] {1.0, 1.0, 1.0}>()
      none = Constant<value = float[3] {0.0, 0.0, 0.0}>()
      bias = Constant<value = float {0.7}>()
      three = Constant<value = float {3.0}>()
      third = Constant<value = float {0.33333334}>()
      MOVED
      y = InstanceNormalization<epsilon = 1e-12>(a, ones, none)
    }"""
    onnx.save(parser.parse_model(body.replace("MOVED", "a = Add(x, bias)")), tmp_path / "one.onnx")
    thrice = "s = Add(x, bias)\n t = Mul(s, three)\n a = Mul(t, third)"
    onnx.save(parser.parse_model(body.replace("MOVED", thrice)), tmp_path / "other.onnx")
    report = validate(tmp_path / "one.onnx", tmp_path / "other.onnx")
    assert report.passed, str(report)
    assert not validate(tmp_path / "one.onnx", tmp_path / "other.onnx", policy="table").passed


def test_the_report_tells_what_float16_has_left(tmp_path):
    """The first product overflows for large inputs, and tells so."""
    half = MODEL.replace("x, first", "h, first").replace("  a =", "  h = Cast<to = 10>(x)\n  a =")
    half = half.replace("  y = MatMul(b, second)", "  z = MatMul(b, second)\n  y = Cast<to = 1>(z)")
    path = network(tmp_path / "half.onnx", body=half)
    model = onnx.load(path)
    for tensor in model.graph.initializer:
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), tensor.name))
    onnx.save(model, path)
    notes = [finding.message for finding in validate(path, path, ranges={"x": (-2, 2)}).findings]
    assert any("the largest value is" in note and "'a'" in note for note in notes)
    wide = [f.message for f in validate(path, path, ranges={"x": (-60000, 60000)}).findings]
    assert any("overflow (a)" in note for note in wide), wide


def test_float16_that_nobody_asked_for_is_no_excuse(tmp_path):
    """A float32 model that rounds to float16 on the way is held to float32's rounding."""
    rounding = MODEL.replace("  b = Tanh(a)", "  h = Cast<to = 10>(a)\n  w = Cast<to = 1>(h)\n  b = Tanh(w)")
    assert not validate(network(tmp_path / "right.onnx"), network(tmp_path / "rounds.onnx", body=rounding)).passed


def test_an_engine_that_disagrees_with_itself_is_no_fault_of_the_conversion(tmp_path):
    """ONNX Runtime fuses a padding with zeros into the pooling behind it, which then pads with minus infinity."""
    torch = pytest.importorskip("torch")

    class Pooled(torch.nn.Module):
        def forward(self, x):
            return torch.nn.functional.max_pool2d(torch.nn.functional.pad(x, (1, 1, 1, 1)), 3)

    onnx.save(
        parser.parse_model(
            """<ir_version: 8, opset_import: ["" : 17]> net (float[N, 2, 7, 7] x) => (float[N, 2, 3, 3] y) {
              pads = Constant<value = int64[8] {0, 0, 1, 1, 0, 0, 1, 1}>()
              p = Pad(x, pads)
              y = MaxPool<kernel_shape = [3, 3], strides = [3, 3]>(p)
            }"""
        ),
        tmp_path / "pooled.onnx",
    )
    report = validate(
        Pooled(), tmp_path / "pooled.onnx", inputs=["x:float32:N,2,7,7"], bind={"y": "output"}, bind_inputs={"x": "x"}
    )
    assert [finding.code for finding in report.findings if finding.severity == "error"] == ["PG312"]
    assert all(row.passed for row in report.outputs), str(report)
    assert report.verdict is Verdict.INCONCLUSIVE


def test_a_second_opinion_is_asked_for(tmp_path):
    path = network(tmp_path / "net.onnx")
    assert validate(path, path, second_opinion=True).passed


def test_what_an_earlier_candidate_left_says_nothing_of_the_next(tmp_path):
    """Routes are tried in turn in one folder: the outputs of the first must not be taken for the second's."""
    job = JobFolder(tmp_path)
    for file in (job.unoptimised, job.noise, job.second_opinion):
        file.write_bytes(b"of the first")
    assert measure_rounding(job, object(), lambda model: [], Measurements(), ignore, Narrowed()) is None
    assert not list(tmp_path.iterdir())


def test_no_second_opinion_is_said_and_costs_no_floor(tmp_path):
    """onnx.reference knows no operators of ONNX Runtime's own."""
    own = MODEL.replace('["" : 17]', '["" : 17, "com.microsoft" : 1]').replace("y = MatMul", "z = MatMul")
    own = own.replace("(b, second)", "(b, second)\n  y = com.microsoft.Gelu(z)")
    path = network(tmp_path / "own.onnx", body=own)
    report = validate(path, path, second_opinion=True)
    assert any("there is no second opinion" in finding.message for finding in report.findings)
    assert report.outputs[0].tolerance.source == "computed"


def test_a_policy_without_a_graph_is_the_table(tmp_path):
    """A live estimator as candidate has no ONNX graph to perturb."""
    sklearn = pytest.importorskip("sklearn.linear_model")
    x = RNG.normal(size=(40, 5))
    fitted = sklearn.LinearRegression().fit(x, x.sum(axis=1))
    report = validate(fitted, fitted)
    assert report.passed
    assert report.outputs[0].tolerance.source == "default"


@pytest.mark.parametrize("bounds", [{"rtol": 1e-3}, {"atol": 1e-3}])
def test_one_bound_alone_is_a_usage_error(tmp_path, bounds):
    path = network(tmp_path / "net.onnx")
    with pytest.raises(ParityGateError, match="one was given without the other"):
        validate(path, path, **bounds)


def test_default_policy_is_the_ceiling():
    assert isinstance(ComputedPolicy().ceiling, DefaultPolicy)
