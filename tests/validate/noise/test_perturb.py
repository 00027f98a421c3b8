"""Perturbed graphs: how large their errors are, what is left exact, and how the noise is measured."""

from __future__ import annotations

import math

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import parser

from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.onnxruntime import load
from paritygate.validate.errors import ParityGateError
from paritygate.validate.events import ignore
from paritygate.validate.noise.accumulation import operand_units, result_units
from paritygate.validate.noise.error_nodes import PREFIX
from paritygate.validate.noise.error_pools import POOL, ErrorDraws
from paritygate.validate.noise.measure import FEWEST_RUNS, MOST_RUNS, measure_noise, planned_runs
from paritygate.validate.noise.operators import DISCONTINUOUS, EXACT, SUMS, UNITS
from paritygate.validate.noise.perturb import NOTHING_ROUNDS, perturb
from paritygate.validate.tasks.reference import run_all

U32, U16, U64 = 2.0**-24, 2.0**-11, 2.0**-53
RNG = np.random.default_rng(5)


def model_of(body: str, *, dtype: str = "float", out: str | None = None, opset: int = 26) -> onnx.ModelProto:
    return parser.parse_model(
        f'<ir_version: 10, opset_import: ["" : {opset}]> g ({dtype}[N, K] x) => ({out or dtype}[A, B] y) {{ {body} }}'
    )


def runs_of(model: onnx.ModelProto, feed: dict[str, np.ndarray], count: int = 40) -> np.ndarray:
    """The outputs of ``count`` perturbed runs; nothing but the errors differs between them."""
    about = perturb(model, POOL)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(about.model.SerializeToString(), options)
    pools = ErrorDraws(about.pools, POOL, np.random.default_rng(0))
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
def test_a_result_gets_an_error_of_its_operators_units(body, units):
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
    with pytest.raises(ParityGateError, match=NOTHING_ROUNDS if "Sqrt" not in body else "no operator is known"):
        perturb(model_of(body), POOL)


def test_whole_numbers_that_are_counted_stay_whole():
    """3.0 rounded down and cast would be 2: the sum of ones is exact, as it is in the model itself."""
    model = model_of("s = ReduceSum<keepdims = 1>(x)\n i = Cast<to = 7>(s)\n y = Cast<to = 1>(i)\n")
    ones = np.ones((4, 37), np.float32)
    assert set(runs_of(model, {"x": ones}).ravel().tolist()) == {148.0}


def test_a_mask_of_infinity_stays_infinite():
    """Minus infinity times an error is infinite with either sign; adding it to the mask would give NaN."""
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
def test_each_dtype_gets_errors_of_its_own_roundoff(dtype, numpy_dtype, unit):
    model = model_of("y = Mul(x, x)", dtype=dtype)
    about = perturb(model_of("y = Mul(x, x)", dtype=dtype), POOL)
    assert about.roundoff == unit
    plain = runs_of(model, {"x": X.astype(numpy_dtype)}).astype(np.float64)
    relative = plain.std(axis=0) / plain.mean(axis=0) / unit
    assert 0.2 < relative.mean() < 2


def test_a_cast_to_float16_gets_errors_of_float16():
    """The error is added before the cast, so that the results are still float16 numbers."""
    model = model_of("h = Cast<to = 10>(x)\n y = Cast<to = 1>(h)")
    plain = runs_of(model, {"x": X})
    assert (plain == plain.astype(np.float16).astype(np.float32)).all()
    assert plain.std() > 0
    assert 0.1 < (plain.std(axis=0) / X / U16).mean() < 1.5


def test_iterations_of_a_loop_get_independent_errors():
    """Equal errors in each of 64 iterations would add up to 64 units; independent ones to 8."""
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


def test_a_long_sum_gets_larger_errors_than_its_result_alone():
    """Terms of both signs: their sum is small, the rounding errors of the partial sums are not."""
    x = RNG.standard_normal((16, 1024)).astype(np.float32)
    plain = runs_of(model_of("y = ReduceSum<keepdims = 1>(x)"), {"x": x})
    deviation = plain.std(axis=0).ravel()
    in_order = np.zeros(16, np.float32)
    for column in x.T:
        in_order += column
    truth = x.astype(np.float64).sum(axis=1)
    assert (np.abs(in_order - truth) < 8 * deviation).all()
    assert np.median(deviation) < 100 * np.median(np.abs(in_order - truth))


def test_more_terms_give_more_units():
    assert result_units(1) == operand_units(1) == 1
    assert result_units(12) == 2
    assert operand_units(8) == 2
    assert result_units(10**6) == result_units(128)


def test_the_tables_of_operators_are_consistent():
    """Every name is an ONNX operator; exact operators have no units; a sum isn't exact."""
    known = {schema.name for schema in onnx.defs.get_all_schemas_with_history()}
    assert EXACT | DISCONTINUOUS | SUMS | set(UNITS) <= known
    assert not EXACT & (SUMS | set(UNITS))


def test_an_output_after_a_discontinuity_is_named():
    about = perturb(model_of("a = Mul(x, x)\n y = Floor(a)"), POOL)
    assert about.discontinuous == {"y"}
    smooth = perturb(model_of("a = Mul(x, x)\n y = Sqrt(a)"), POOL)
    assert smooth.discontinuous == set()


def test_local_functions_are_perturbed_inside():
    model = parser.parse_model(
        """<ir_version: 10, opset_import: ["" : 20, "own" : 1]> g (float[N, K] x) => (float[N, K] y) {
            y = own.twice(x)
        }
        <opset_import: ["" : 20], domain: "own"> twice (a) => (b) { b = Mul(a, a) }"""
    )
    assert runs_of(model, {"x": X}).std(axis=0).mean() > 0


def run_with(feed):
    """Runs as a candidate's worker does: ONNX Runtime's exceptions become a ParityGateError."""
    return lambda model: run_all(model, [feed], "PG302", ignore)


def test_a_tensor_that_is_larger_than_the_pool_repeats_it(tmp_path):
    """The inner tensor has four times the elements that there are errors; their mean still scatters like one."""
    model = model_of(
        "s = Constant<value = int64[2] {1024, 256}>()\n e = Expand(x, s)\n q = Mul(e, e)\n"
        "y = ReduceMean<keepdims = 1>(q)"
    )
    onnx.save(model, tmp_path / "wide.onnx")
    loaded = load(tmp_path / "wide.onnx", LoadOptions())
    feed = {"x": np.full((1, 1), 1.1, np.float32)}
    noise = measure_noise(loaded, run_with(feed), [loaded.run(feed)])
    assert noise.runs == MOST_RUNS
    assert noise.squares[0]["y"].max() > 0


@pytest.mark.parametrize("length", [0, 1, 65520, 65521, 65522, 200_000])
def test_every_element_of_a_tensor_of_any_length_gets_an_error(length):
    feed = {"x": np.ones((1, length), np.float32)}
    scatter = runs_of(model_of("s = Sqrt(x)\n y = Mul(s, s)"), feed).std(axis=0)
    assert scatter.shape == (1, length)
    assert not length or scatter.min() > 0.3 * U32


def test_the_fewest_runs_are_made_when_the_time_is_up(tmp_path):
    onnx.save(model_of("y = Mul(x, x)"), tmp_path / "m.onnx")
    loaded = load(tmp_path / "m.onnx", LoadOptions())
    noise = measure_noise(loaded, run_with({"x": X}), [loaded.run({"x": X})], seconds=0)
    assert noise.runs == FEWEST_RUNS


@pytest.mark.parametrize("opset", [7, 8, 10, 11, 13])
@pytest.mark.parametrize("dtype", ["float", "double"])
def test_old_opsets_are_perturbed_as_new_ones_are(opset, dtype):
    """They draw their errors themselves; the last result is a whole number and stays one."""
    body = "q = Mul(x, x)\n s = Mul(q, x)\n r = Floor(s)\n y = Add(s, r)"
    feed = {"x": X.astype(np.float32 if dtype == "float" else np.float64)}
    old, new = (runs_of(model_of(body, dtype=dtype, opset=number), feed).std(axis=0) for number in (opset, 20))
    assert old.mean() == pytest.approx(new.mean(), rel=0.2)


@pytest.mark.parametrize("opset", [11, 13, 14, 20])
def test_a_tensor_without_elements_is_perturbed_too(tmp_path, opset):
    body = "e = Slice(x, z, z, one)\n m = Mul(e, e)\n c = Concat<axis = 1>(x, m)\n y = Mul(c, c)"
    model = model_of(
        f"z = Constant<value = int64[1] {{0}}>()\n one = Constant<value = int64[1] {{1}}>()\n{body}", opset=opset
    )
    onnx.save(model, tmp_path / "empty.onnx")
    loaded = load(tmp_path / "empty.onnx", LoadOptions())
    noise = measure_noise(loaded, run_with({"x": X}), [loaded.run({"x": X})])
    assert noise.squares[0]["y"].max() > 0


def test_a_run_that_fails_ends_the_measurement_with_its_reason(tmp_path):
    onnx.save(model_of("y = Mul(x, x)"), tmp_path / "m.onnx")
    loaded = load(tmp_path / "m.onnx", LoadOptions())
    tried = []

    def run(model):
        tried.append(model)
        raise ParityGateError("PG302", "sample 0", "the disk is full")

    with pytest.raises(ParityGateError, match="the disk is full"):
        measure_noise(loaded, run, [loaded.run({"x": X})])
    assert len(tried) == 1


@pytest.mark.parametrize(
    ("opset", "body", "reason"),
    [(6, "y = Mul(x, x)", "the graph's opset, 6, is older than 7"), (20, "y = Identity(x)", NOTHING_ROUNDS)],
)
def test_what_is_not_perturbed_says_why(opset, body, reason):
    with pytest.raises(ParityGateError, match=reason):
        perturb(model_of(body, opset=opset), POOL)


def test_an_operator_of_the_runtimes_own_hides_nothing_behind_it():
    own = parser.parse_model(
        """<ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1]> g (float[N, K] x) => (float[N, K] y) {
            a = com.microsoft.QuickGelu(x)
            b = Mul(a, a)
            y = Mul(b, a)
        }"""
    )
    perturbed = perturb(own, POOL).model
    adds = [node for node in perturbed.graph.node if node.op_type == "Add" and PREFIX in node.input[1]]
    assert len([node for node in adds if "finite" in node.input[1]]) == 3


@pytest.mark.parametrize(
    ("parameters", "rows", "runs"), [(1000, 10, 10), (10**8, 10, 10), (10**8, 1000, 6), (10**9, 1000, 4)]
)
def test_the_number_of_runs_follows_from_the_models_size(parameters, rows, runs):
    assert planned_runs(parameters, [{"x": np.zeros((rows, 8), np.float32), "ids": np.zeros(rows, np.int64)}]) == runs


@pytest.mark.parametrize("opset", [17, 20])
@pytest.mark.parametrize("length", [8, 17, 100, 128])
def test_a_transform_is_as_rough_as_the_engine(length, opset):
    """The measured error of ONNX Runtime against numpy's float64 transform lies between a third of the noise and it."""
    axis = (
        "a = Constant <value_int=1> () y = DFT <onesided=1> (x, , a)"
        if opset > 17
        else "y = DFT <axis=1, onesided=1> (x)"
    )
    model = parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : {opset}]> g (float[N, {length}, 1] x) => (float[N, K, 2] y) {{ {axis} }}'
    )
    x = np.random.default_rng(0).normal(size=(64, length, 1)).astype(np.float32)
    plain = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0]
    noise = runs_of(model, {"x": x}, 10).std(axis=0)
    exact = np.fft.rfft(x[..., 0].astype(np.float64))
    error = np.stack([plain[..., 0] - exact.real, plain[..., 1] - exact.imag], -1)
    ratio = np.sqrt((noise**2).mean() / (error**2).mean())
    assert 0.8 < ratio < 4
    assert noise[:, 0, 1].min() > 0  # the imaginary part of the mean is exactly zero in most libraries
