"""Perturbed graphs: how far they err, what they leave alone, and what a floor makes of it."""

from __future__ import annotations

import math

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import parser

from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.onnxruntime import load
from paritygate.validate.events import ignore
from paritygate.validate.noise.floor import floor_of
from paritygate.validate.noise.measure import FEWEST, RUNS, measure_noise
from paritygate.validate.noise.operators import EXACT, JUMPS, SUMS, UNITS, of_operand, of_result
from paritygate.validate.noise.perturb import Pools, perturbed
from paritygate.validate.tasks.reference import run_all

U32, U16, U64 = 2.0**-24, 2.0**-11, 2.0**-53
POOL = 1 << 16
RNG = np.random.default_rng(5)


def model_of(body: str, *, dtype: str = "float", out: str | None = None, opset: int = 26) -> onnx.ModelProto:
    return parser.parse_model(
        f'<ir_version: 10, opset_import: ["" : {opset}]> g ({dtype}[N, K] x) => ({out or dtype}[A, B] y) {{ {body} }}'
    )


def runs_of(model: onnx.ModelProto, feed: dict[str, np.ndarray], count: int = 40) -> np.ndarray:
    """The answers of ``count`` perturbed runs, and nothing else that could differ between them."""
    about = perturbed(model, POOL)
    assert about is not None
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(about.model.SerializeToString(), options)
    pools = Pools(about, POOL, np.random.default_rng(0))
    return np.stack([session.run(None, {**feed, **pools()})[0].astype(np.float64) for _ in range(count)])


X = RNG.uniform(1, 2, (8, 64)).astype(np.float32)


@pytest.mark.parametrize(
    ("body", "units"),
    [
        ("y = Mul(x, x)", 1),
        ("y = Sqrt(x)", 1),
        ("y = Exp(x)", 4),
        ("a = Mul(x, x)\n y = Relu(a)", 1),
    ],
)
def test_a_result_errs_by_the_units_of_its_operator(body, units):
    """Uniform errors of up to ``units`` have a deviation of units/sqrt(3); float32's own grid adds up to 1 unit."""
    plain = runs_of(model_of(body), {"x": X})
    relative = plain.std(axis=0) / plain.mean(axis=0) / U32
    assert units / math.sqrt(3) * 0.5 < relative.mean() < units / math.sqrt(3) + 1


@pytest.mark.parametrize(
    "body",
    [
        "y = Transpose<perm = [0, 1]>(x)",
        "y = Relu(x)",
        "i = Shape(x)\n f = Cast<to = 1>(i)\n s = Sqrt(f)\n z = Cast<to = 7>(s)\n y = Identity(x)",
        "m = ReduceMax<keepdims = 1>(x)\n y = Identity(m)",
    ],
    ids=["moved", "chosen", "of the shape only", "greatest"],
)
def test_what_does_not_round_is_not_perturbed(body):
    assert perturbed(model_of(body), POOL) is None


def test_whole_numbers_that_are_counted_stay_whole():
    """3.0 rounded down and cast would be 2: the sum of ones is exact, as it is in the model itself."""
    model = model_of("s = ReduceSum<keepdims = 1>(x)\n i = Cast<to = 7>(s)\n y = Cast<to = 1>(i)\n")
    ones = np.ones((4, 37), np.float32)
    assert set(runs_of(model, {"x": ones}).ravel().tolist()) == {148.0}


def test_a_mask_of_infinity_stays_one():
    """Minus infinity times an error is an infinity of either sign, and their sum would be NaN."""
    masked = np.array([[0.5, -np.inf, 0.25], [0.1, 0.2, -np.inf]], np.float32)
    plain = runs_of(model_of("a = Add(x, x)\n y = Softmax<axis = 1>(a)"), {"x": masked})
    assert np.isfinite(plain).all()
    assert (plain[:, 0, 1] == 0).all()


def test_a_finite_mask_does_not_overflow():
    masked = np.array([[0.5, -3.4e38, 0.25]], np.float32)
    plain = runs_of(model_of("a = Mul(x, x)\n b = Sqrt(a)\n c = Neg(b)\n y = Softmax<axis = 1>(c)"), {"x": masked})
    assert np.isfinite(plain).all()


@pytest.mark.parametrize(
    ("dtype", "numpy_dtype", "unit"),
    [("float", np.float32, U32), ("double", np.float64, U64), ("float16", np.float16, U16)],
)
def test_each_width_errs_by_its_own_unit(dtype, numpy_dtype, unit):
    model = model_of("y = Mul(x, x)", dtype=dtype)
    about = perturbed(model_of("y = Mul(x, x)", dtype=dtype), POOL)
    assert about is not None
    assert about.unit == unit
    plain = runs_of(model, {"x": X.astype(numpy_dtype)}).astype(np.float64)
    relative = plain.std(axis=0) / plain.mean(axis=0) / unit
    assert 0.2 < relative.mean() < 2


def test_a_cast_to_float16_errs_as_float16_does():
    """The error comes before the cast, so that the results stay numbers of float16."""
    model = model_of("h = Cast<to = 10>(x)\n y = Cast<to = 1>(h)")
    plain = runs_of(model, {"x": X})
    assert (plain == plain.astype(np.float16).astype(np.float32)).all()
    assert plain.std() > 0
    assert 0.1 < (plain.std(axis=0) / X / U16).mean() < 1.5


def test_iterations_of_a_loop_err_independently():
    """Errors that were the same in each of 64 iterations would add up to 64 units; independent ones to 8."""
    body = """
    n = Constant<value = int64 {64}>()
    t = Constant<value = bool {1}>()
    y = Loop(n, t, x) <body = inner (int64 i, bool c, float[N, K] a) => (bool d, float[N, K] b) {
        d = Identity(c)
        k = Constant<value = float {1.0}>()
        b = Mul(a, k)
    }>
    """
    plain = runs_of(model_of(body), {"x": X})
    relative = (plain.std(axis=0) / plain.mean(axis=0) / U32).mean()
    assert 2 < relative < 16


def test_long_sums_err_more_than_their_result_alone():
    """Terms of both signs: what is left of them is small, the rounding of the partial sums isn't."""
    x = RNG.standard_normal((16, 1024)).astype(np.float32)
    plain = runs_of(model_of("y = ReduceSum<keepdims = 1>(x)"), {"x": x})
    deviation = plain.std(axis=0).ravel()
    in_order = np.zeros(16, np.float32)
    for column in x.T:
        in_order += column
    truth = x.astype(np.float64).sum(axis=1)
    assert (np.abs(in_order - truth) < 8 * deviation).all()
    assert np.median(deviation) < 100 * np.median(np.abs(in_order - truth))


def test_more_terms_more_units():
    assert of_result(1) == of_operand(1) == 1
    assert of_result(12) == 2
    assert of_operand(8) == 2
    assert of_result(10**6) == of_result(128)


def test_the_tables_of_operators_are_consistent():
    """Every name is an operator of ONNX; what is exact has no units; a sum isn't exact."""
    known = {schema.name for schema in onnx.defs.get_all_schemas_with_history()}
    assert EXACT | JUMPS | SUMS | set(UNITS) <= known
    assert not EXACT & (SUMS | set(UNITS))


def test_an_output_behind_a_jump_is_named():
    about = perturbed(model_of("a = Mul(x, x)\n y = Floor(a)"), POOL)
    assert about is not None
    assert about.jumping == {"y"}
    smooth = perturbed(model_of("a = Mul(x, x)\n y = Sqrt(a)"), POOL)
    assert smooth is not None
    assert smooth.jumping == set()


def test_functions_are_perturbed_inside():
    model = parser.parse_model(
        """<ir_version: 10, opset_import: ["" : 20, "own" : 1]> g (float[N, K] x) => (float[N, K] y) {
            y = own.twice(x)
        }
        <opset_import: ["" : 20], domain: "own"> twice (a) => (b) { b = Mul(a, a) }"""
    )
    assert runs_of(model, {"x": X}).std(axis=0).mean() > 0


def answered(feed):
    """As a candidate's worker runs it: whatever ONNX Runtime raises is a ParityGateError."""
    return lambda model: run_all(model, [feed], "PG302", ignore)


def test_measuring_makes_room_for_tensors_larger_than_its_pool(tmp_path):
    """The inner tensor has 1024 times the elements of the answer: the first pool is too small for it."""
    model = model_of(
        "s = Constant<value = int64[2] {1024, 256}>()\n e = Expand(x, s)\n q = Mul(e, e)\n"
        "y = ReduceMean<keepdims = 1>(q)"
    )
    onnx.save(model, tmp_path / "wide.onnx")
    loaded = load(tmp_path / "wide.onnx", LoadOptions())
    feed = {"x": np.full((1, 1), 1.1, np.float32)}
    noise = measure_noise(loaded, answered(feed), [loaded.run(feed)])
    assert noise is not None
    assert noise.runs == RUNS
    assert noise.squares[0]["y"].max() > 0


def test_a_budget_that_is_over_leaves_the_fewest_runs(tmp_path):
    onnx.save(model_of("y = Mul(x, x)"), tmp_path / "m.onnx")
    loaded = load(tmp_path / "m.onnx", LoadOptions())
    noise = measure_noise(loaded, answered({"x": X}), [loaded.run({"x": X})], seconds=0)
    assert noise is not None
    assert noise.runs == FEWEST


def test_an_old_opset_is_not_perturbed():
    assert perturbed(model_of("y = Mul(x, x)", opset=9), POOL) is None


# -- the floor ------------------------------------------------------------------------------------------------------


def test_the_floor_of_normal_errors_is_two_deviations_of_a_difference():
    """10,000 elements of one deviation: the moderated estimate of 10 runs is within 20 % of it on the average."""
    deviation = 3e-7
    squares = (RNG.normal(0, deviation, (10, 10_000)) ** 2).sum(axis=0)
    floor = floor_of(squares, np.ones(10_000), 10)
    assert floor.mean() == pytest.approx(2 * math.sqrt(2) * deviation, rel=0.2)
    assert floor.min() > math.sqrt(2) * deviation


def test_an_element_without_spread_borrows_from_its_neighbours_in_magnitude():
    """Of two scales in one output each keeps its own: 1e-3's neighbours don't lend to what is around 1."""
    values = np.concatenate([np.full(500, 1e-3), np.ones(500)])
    squares = np.concatenate([np.full(500, 10 * 1e-10**2), np.full(500, 10 * 1e-7**2)])
    squares[[3, 700]] = 0
    floor = floor_of(squares, values, 10)
    assert floor[3] == pytest.approx(2 * 1e-10, rel=0.05)
    assert floor[700] == pytest.approx(2 * 1e-7, rel=0.05)


def test_floors_of_nothing():
    assert floor_of(np.zeros((0, 3)), np.zeros((0, 3)), 10).shape == (0, 3)
