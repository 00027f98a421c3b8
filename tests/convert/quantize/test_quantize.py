"""Quantisation behind a proved conversion: what each method writes, which layers it keeps in float, what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from click.testing import CliRunner
from onnx import numpy_helper, parser

from paritygate.cli.main import cli
from paritygate.convert import convert
from paritygate.convert.options import Quantize
from paritygate.convert.quantize import onnx_models
from paritygate.convert.quantize.calls import Quantiser
from paritygate.convert.quantize.selection import fewest
from paritygate.convert.targets import ONNX_MODEL
from paritygate.validate import validate
from paritygate.validate.engines.handle import ModelHandle
from paritygate.validate.errors import ParityGateError
from paritygate.validate.workers.job_folder import JobFolder

RNG = np.random.default_rng(1)


def weight(name: str, *shape: int) -> onnx.TensorProto:
    return numpy_helper.from_array((RNG.normal(size=shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32), name)


def saved(path: Path, nodes: str, weights: list[onnx.TensorProto], x: str, y: str) -> Path:
    model = parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 17]> g (float[{x}] x) => (float[{y}] y) {{{nodes}}}'
    )
    model.graph.initializer.extend(weights)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def outputs(path: Path, feeds: list[dict[str, np.ndarray]]) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, feed)[0] for feed in feeds])


# --- what each method writes

METHODS = {
    Quantize.DYNAMIC: (["Conv", "MatMul", "MatMul"], 30.0, {"ConvInteger", "MatMulInteger"}),
    Quantize.STATIC: (["Conv", "Gemm", "MatMul"], 25.0, {"QuantizeLinear", "DequantizeLinear"}),
    Quantize.WEIGHTS: (["Conv", "Gemm", "MatMul"], 35.0, {"DequantizeLinear"}),
    Quantize.WEIGHTS_INT4: (["MatMul", "MatMul"], 12.0, {"MatMulNBits"}),
}
"""Method -> the layers that it finds, the least SNR in dB (6 per bit, less what activations cost), its operators."""


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    nodes = "c = Conv(x, k, b) r = Relu(c) f = Flatten(r) g = Gemm<transB = 1>(f, w, v) h = Relu(g) y = MatMul(h, m)"
    weights = [weight("k", 8, 1, 3, 3), weight("b", 8), weight("w", 32, 288), weight("v", 32), weight("m", 32, 10)]
    return saved(tmp_path_factory.mktemp("network") / "m.onnx", nodes, weights, "N, 1, 8, 8", "N, 10")


@pytest.mark.parametrize("method", METHODS)
def test_each_method_writes_what_it_says(method: Quantize, network: Path, tmp_path: Path) -> None:
    kinds, least, operators = METHODS[method]
    feeds = [{"x": RNG.normal(size=(16, 1, 8, 8)).astype(np.float32)} for _ in range(2)]
    quantiser = Quantiser(JobFolder(tmp_path), ModelHandle.of(network, ONNX_MODEL.format), method, tmp_path / "p.onnx")
    layers = onnx_models.prepare(quantiser)
    assert [layer.kind for layer in layers] == kinds
    np.testing.assert_allclose(outputs(tmp_path / "p.onnx", feeds), outputs(network, feeds), rtol=1e-4, atol=1e-5)
    expected = outputs(network, feeds)
    errors = {}
    for count in (1, len(layers)):
        path = tmp_path / f"{count}.onnx"
        onnx_models.write(quantiser, path, [layer.name for layer in layers[-count:]], feeds)
        errors[count] = float(np.square(outputs(path, feeds) - expected).sum())
    assert 10 * np.log10(np.square(expected).sum() / errors[len(layers)]) > least
    assert 0 < errors[1] < errors[len(layers)]  # what isn't chosen stays in float
    assert operators <= {node.op_type for node in onnx.load(str(path)).graph.node}
    assert path.stat().st_size < 0.7 * network.stat().st_size


KINDS = {
    "MatMul": ("y = MatMul(x, w)", 1, (4, 6), "N, 4", "N, 6"),
    "Gemm": ("y = Gemm(x, w)", 1, (4, 6), "N, 4", "N, 6"),
    "a transposed Gemm": ("y = Gemm<transB = 1>(x, w)", 0, (6, 4), "N, 4", "N, 6"),
    "Conv": ("y = Conv(x, w)", 0, (6, 4, 1, 1), "N, 4, 2, 2", "N, 6, 2, 2"),
    "ConvTranspose": ("y = ConvTranspose(x, w)", 1, (4, 6, 1, 1), "N, 4, 2, 2", "N, 6, 2, 2"),
}
"""Nodes -> the axis of the output channels, the weight's shape, and those of x and y."""


@pytest.mark.parametrize("kind", KINDS)
def test_each_output_channel_has_its_own_scale(kind: str, tmp_path: Path) -> None:
    """Channels that differ by a factor of 1000: a scale for several of them would lose the small ones."""
    nodes, axis, shape, x, y = KINDS[kind]
    factors = np.logspace(-3, 0, 6).astype(np.float32).reshape([6 if n == axis else 1 for n in range(len(shape))])
    array = RNG.normal(size=shape).astype(np.float32) * factors
    path = saved(tmp_path / "m.onnx", nodes, [numpy_helper.from_array(array, "w")], x, y)
    quantiser = Quantiser(
        JobFolder(tmp_path), ModelHandle.of(path, ONNX_MODEL.format), Quantize.WEIGHTS, tmp_path / "p.onnx"
    )
    (layer,) = onnx_models.prepare(quantiser)
    onnx_models.write(quantiser, tmp_path / "q.onnx", [layer.name], [])
    feed = {"x": RNG.normal(size=(8, *(4, 2, 2)[: len(x.split(",")) - 1])).astype(np.float32)}
    want, got = outputs(path, [feed]), outputs(tmp_path / "q.onnx", [feed])
    others = tuple(n for n in range(want.ndim) if n != 1)
    share = np.abs(want - got).max(axis=others) / np.abs(want).max(axis=others)
    assert (share < 0.02).all()  # half a step of 127 for each of four terms, of which the output is a sum


@pytest.mark.parametrize("needed", range(1, 9))
def test_the_fewest_that_pass_are_found(needed: int) -> None:
    tried: list[int] = []
    assert fewest(8, lambda number: tried.append(number) or number >= needed) == needed
    assert len(tried) <= 6
    assert fewest(needed - 1, lambda number: number >= needed) is None


# --- the whole way, with a real classifier


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A network trained on scikit-learn's digits, and 400 held-out rows."""
    datasets, network = pytest.importorskip("sklearn.datasets"), pytest.importorskip("sklearn.neural_network")
    folder = tmp_path_factory.mktemp("digits")
    data = datasets.load_digits()
    images = (data.images.reshape(-1, 64) / 16).astype(np.float32)
    model = network.MLPClassifier((48, 32), max_iter=40, random_state=0, tol=0.0, n_iter_no_change=99)
    model.fit(images[400:], data.target[400:])
    np.savez(folder / "x.npz", x=images[:400])
    weights = [numpy_helper.from_array(each.astype(np.float32), f"w{n}") for n, each in enumerate(model.coefs_)]
    weights += [numpy_helper.from_array(each.astype(np.float32), f"b{n}") for n, each in enumerate(model.intercepts_)]
    nodes = "a = Gemm(x, w0, b0) b = Relu(a) c = Gemm(b, w1, b1) d = Relu(c) e = Gemm(d, w2, b2) y = Softmax(e)"
    path = saved(folder / "digits.onnx", nodes, weights, "N, 64", "N, 10")
    np.testing.assert_allclose(outputs(path, [{"x": images[:9]}]), model.predict_proba(images[:9]), atol=1e-4)
    return path, folder / "x.npz"


def test_int8_keeps_a_budget_of_flips(digits: tuple[Path, Path], tmp_path: Path) -> None:
    model, samples = digits
    done = convert(model, tmp_path / "q.onnx", quantize="dynamic", samples=samples, max_flips="2%", min_coverage=None)
    text = str(done.report)
    assert done.report.passed
    assert "the float32 conversion was proved first: 1 of 1 outputs agree" in text
    assert "3 of 3 layers" in text
    assert "of 400 rows change their class" in text
    assert not [finding for finding in done.report.findings if finding.code == "PG114"]
    assert (tmp_path / "q.onnx").stat().st_size < 0.6 * model.stat().st_size
    without = validate(model, tmp_path / "q.onnx", samples=samples, localise=False)
    assert "PG336" in {finding.code for finding in without.findings}
    assert not without.passed


def test_the_costliest_layers_stay_in_float_or_nothing_is_written(digits: tuple[Path, Path], tmp_path: Path) -> None:
    model, samples = digits
    none = convert(model, tmp_path / "none.onnx", quantize="weights-int4", samples=samples, min_snr=150)
    assert none.report.exit_code == 1
    assert "the budget fails even with a single layer quantised" in str(none.report)
    assert "a budget isn't kept" in str(none.report)
    assert not (tmp_path / "none.onnx").exists()
    limit = none.report.budgets[0].value + 1  # what it is with all layers quantised, and a little
    some = convert(model, tmp_path / "some.onnx", quantize="weights-int4", samples=samples, min_snr=limit)
    assert some.report.passed
    assert "kept in float32, so that the budget holds: MatMul (" in str(some.report)
    kept = [node.op_type for node in onnx.load(str(tmp_path / "some.onnx")).graph.node].count("MatMul")
    assert 1 <= kept <= 2


# --- what is refused

SAMPLES, FLIPS = {"samples": "x.npz"}, {"max_flips": "1%"}
REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "without samples": ("q.onnx", {"quantize": "dynamic", **FLIPS}, "real data"),
    "without a budget": ("q.onnx", {"quantize": "dynamic", **SAMPLES}, "needs a budget"),
    "with another precision": ("q.onnx", {"quantize": "dynamic", "precision": "fp16", **SAMPLES, **FLIPS}, "combined"),
    "activations of a Core ML model": ("q.mlpackage", {"quantize": "static", **SAMPLES, **FLIPS}, ".mlpackage"),
    "a neural network": ("q.mlmodel", {"quantize": "weights", **SAMPLES, **FLIPS}, ".mlmodel"),
    "a budget for float32": ("q.onnx", {**SAMPLES, **FLIPS}, "a budget judges what quantize writes"),
    "an unknown method": ("q.onnx", {"quantize": "int2", **SAMPLES, **FLIPS}, "unknown value"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refusals(what: str, network: Path, tmp_path: Path) -> None:
    output, given, cause = REFUSED[what]
    with pytest.raises(ParityGateError, match=cause) as error:
        convert(network, tmp_path / output, **given)
    assert error.value.code == "PG201"


@pytest.mark.parametrize("flips", ["0.5", "x%", "200%"])
def test_shares_are_in_percent(flips: str, network: Path, tmp_path: Path) -> None:
    given = ["--quantize", "dynamic", "--samples", "x.npz", "--max-flips", flips]
    assert CliRunner().invoke(cli, ["convert", str(network), "-o", str(tmp_path / "q.onnx"), *given]).exit_code != 0


def test_a_model_without_such_layers_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "m.onnx", "y = Relu(x)", [], "N, 4", "N, 4")
    np.savez(tmp_path / "x.npz", x=RNG.normal(size=(8, 4)).astype(np.float32))
    with pytest.raises(ParityGateError) as error:
        convert(path, tmp_path / "q.onnx", quantize="weights", samples=tmp_path / "x.npz", min_snr=10)
    assert error.value.code == "PG415"
