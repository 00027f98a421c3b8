"""How many digits were tested, and outputs of which a pass proves nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser

from paritygate.validate import validate
from paritygate.validate.report.types import Severity, Tolerance, Verdict
from paritygate.validate.report.user_checks import Source
from paritygate.validate.verdict.digits import count_digits, is_enough, needed_digits

RNG = np.random.default_rng(8)
COMPUTED = Tolerance(1e-4, 1e-6, 128, "float32", Source.COMPUTED)
ROWS = RNG.normal(size=(131, 8))
SHARP, WIDE = 1e-6, 4.0
HALVES = np.where(np.arange(8) < 4, WIDE, SHARP)


def digits_of(values, allowed, edges=None, tolerance=COMPUTED):
    values = [np.asarray(each, np.float32) for each in values]
    limits = [np.broadcast_to(np.asarray(allowed, float), each.shape) for each in values]
    return count_digits(values, limits, tolerance, edges or [False] * len(values))


@pytest.mark.parametrize(
    ("values", "allowed", "untested", "columns", "enough"),
    [
        pytest.param([ROWS[:1], ROWS], SHARP, 0, (), True, id="sharp"),
        pytest.param([ROWS], WIDE, 1048, tuple(range(8)), False, id="wider than the output"),
        pytest.param([ROWS], HALVES, 524, (0, 1, 2, 3), False, id="columns of it"),
        pytest.param([ROWS + 1e4 * np.arange(1, 9)], WIDE, 1048, tuple(range(8)), False, id="far from zero"),
        pytest.param([ROWS[:50]], np.where(np.arange(400).reshape(50, 8) < 3, WIDE, SHARP), 3, (), True, id="few"),
        pytest.param([ROWS[:50]], np.where(np.arange(400).reshape(50, 8) < 9, WIDE, SHARP), 9, (), True, id="2 %"),
        pytest.param([np.c_[ROWS, np.full(131, 5.0)]], SHARP, 0, (), True, id="a column that never moves"),
        pytest.param([np.c_[ROWS, np.zeros(131)]], SHARP, 0, (), True, id="a column of zeros"),
        pytest.param([np.c_[ROWS, 1 - 6e-8 * (ROWS > 0)[:, 0]]], 3e-7, 0, (), True, id="a saturated column"),
        pytest.param([1 - 6e-8 * (ROWS > 0)[:, :1]], 3e-7, 131, (0,), False, id="nothing but a saturated column"),
        pytest.param([np.where(RNG.random((500, 4)) < 0.02, 1, 0)], 2e-7, 0, (), True, id="seldom anything but zero"),
        pytest.param([ROWS[:1]], SHARP, 0, (), True, id="one row"),
        pytest.param([[[3.0]]], SHARP, 0, (), True, id="one number"),
        pytest.param([RNG.normal(size=(2, n, 8)) for n in (3, 5)], SHARP, 0, (), True, id="several lengths"),
        pytest.param([RNG.normal(size=(4, 3, 5, 5))], WIDE, 300, (), False, id="an image"),
        pytest.param([np.where(ROWS > 2, np.nan, ROWS)], SHARP, 0, (), True, id="beside NaN"),
    ],
)
def test_what_rounding_decides_is_counted(values, allowed, untested, columns, enough):
    found = digits_of(values, allowed)
    assert (found.untested, found.columns) == (untested, columns)
    assert is_enough(found, COMPUTED) is enough


def test_the_digits_are_those_of_the_movement_against_the_allowance():
    """Normal values are 0.8 from their mean on average, so at least 5.9 digits above a millionth."""
    found = digits_of([ROWS], SHARP)
    assert found.reached in (5.8, 5.9)
    assert found.share > 0.999


def test_samples_at_the_edge_lend_their_size_to_nobody():
    assert not is_enough(digits_of([ROWS, 1000 * ROWS], WIDE, [False, True]), COMPUTED)


def test_bounds_of_the_users_own_are_meant_so():
    assert is_enough(digits_of([ROWS], WIDE), Tolerance(0.5, 1.0, dtype="float32", source=Source.USER))
    assert needed_digits(Tolerance(dtype="float16", source=Source.COMPUTED)) == 0.5
    assert needed_digits(Tolerance(dtype="float32")) == 1


def test_nothing_finite_has_no_digits():
    assert digits_of([np.full((3, 2), np.nan)], SHARP) is None


IMAGE = RNG.normal(size=(6, 4, 5, 3))


def bounds(channel, wide):
    limits = np.full(IMAGE.shape, SHARP)
    limits[channel] = wide
    return limits


@pytest.mark.parametrize(
    ("values", "allowed", "channels"),
    [
        (IMAGE, bounds(np.s_[:, 2], 10.0), ((1, 2),)),
        (IMAGE, bounds(np.s_[..., 1], 10.0), ((3, 1),)),
        (IMAGE, bounds(np.s_[:3, 2], 10.0), ()),
        (IMAGE, bounds(np.s_[..., :2, 1], 10.0), ()),
        (np.where(np.arange(3) == 1, 1e-6, 1.0) * IMAGE, bounds(np.s_[..., 1], 10.0), ()),
    ],
    ids=["second axis", "last axis", "half the rows", "part of a channel", "a silent channel"],
)
def test_a_channel_that_rounding_decides_is_named(values, allowed, channels):
    """A third of an output's elements tests nothing: none of them may be a channel of its own."""
    found = digits_of([values], allowed)
    assert found.channels == channels
    assert is_enough(found, COMPUTED) == (not channels)


# -- through the gate -----------------------------------------------------------------------------------------------


def net(path: Path, body: str, outputs: str = "float[N, 8] y", **weights) -> Path:
    model = parser.parse_model(
        f'<ir_version: 9, opset_import: ["" : 20]> g (float[N, 16] x) => ({outputs}) {{ {body} }}'
    )
    for name, value in weights.items():
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
    onnx.save(model, path)
    return path


A, B, L, M = (RNG.normal(size=shape) / 4 for shape in ((16, 16), (16, 16), (16, 8), (16, 8)))
CHAOS = "h = MatMul(x, a) k = Mul(h, big) s = Sin(k) y = MatMul(s, last)"


def test_an_output_of_rounding_alone_is_inconclusive(tmp_path):
    """Quite another model agrees within what rounding explains: that proves nothing, and is said."""
    right = net(tmp_path / "right.onnx", CHAOS, a=A, big=1e8, last=L)
    other = net(tmp_path / "other.onnx", CHAOS, a=B, big=1e8, last=M)
    np.savez(tmp_path / "x.npz", x=RNG.normal(size=(100, 16)).astype(np.float32))
    report = validate(right, other, samples=tmp_path / "x.npz", localise=False)
    (row,) = report.outputs
    assert (row.verdict, row.code) == (Verdict.INCONCLUSIVE, "PG315"), str(report)
    assert row.digits.untested > 0.9 * row.digits.elements
    assert "rounding decides" in str(report)


def test_the_digits_stand_in_the_report(tmp_path):
    path = net(tmp_path / "m.onnx", "y = MatMul(x, last)", last=L)
    report = validate(path, path)
    assert report.passed
    assert "y: tested to " in str(report)
    assert "digits or better in " in str(report)


DEAD = "h = MatMul(x, last) d = Sub(h, far) y = Relu(d)"
TWO = "float[N, 8] y, float[N, 8] z"
SHAPED = """
    one = Constant<value = int64[1] {1}>() zero = Constant<value = int64[1] {0}>()
    eight = Constant<value = int64[1] {8}>()
    s = Shape(x) n = Slice(s, zero, one) t = Concat<axis = 0>(n, eight) y = Expand(row, t)"""
LABEL = "h = MatMul(x, last) z = Identity(h) d = Sub(h, far) c = Greater(d, h) y = Cast<to = 7>(c)"


@pytest.mark.parametrize(
    ("reference", "candidate", "outputs", "verdict", "code"),
    [
        pytest.param(DEAD, DEAD.replace("last", "more"), "float[N, 8] y", "inconclusive", "PG315", id="dead"),
        pytest.param(
            DEAD + " z = Identity(h)", DEAD + " z = Identity(h)", TWO, "inconclusive", "PG315", id="dead in part"
        ),
        pytest.param(SHAPED + " z = MatMul(x, last)", None, TWO, "pass", "PG110", id="a constant by its graph"),
        pytest.param(SHAPED, None, "float[N, 8] y", "pass", "PG110", id="nothing but a constant by its graph"),
        pytest.param(
            DEAD + " z = Identity(h)", SHAPED + " z = MatMul(x, last)", TWO, "inconclusive", "PG315", id="of one side"
        ),
        pytest.param(LABEL, None, "int64[N, 8] y, float[N, 8] z", "pass", "PG110", id="a label beside scores"),
    ],
)
def test_an_output_that_never_moves(reference, candidate, outputs, verdict, code, tmp_path):
    """It proves nothing unless the graphs themselves say that nothing moves it."""
    weights = {"last": L, "more": M, "far": 1e6, "row": np.zeros(8)}
    paths = [
        net(tmp_path / f"{n}.onnx", body, outputs, **weights)
        for n, body in enumerate((reference, candidate or reference))
    ]
    report = validate(*paths, localise=False)
    assert report.verdict == verdict, str(report)
    (finding,) = [f for f in report.findings if f.code in ("PG110", "PG315")]
    assert (finding.code, finding.severity is Severity.ERROR) == (code, code == "PG315")
