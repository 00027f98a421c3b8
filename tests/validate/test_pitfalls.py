"""Known pitfalls of conversions, numbered as in docs/verdict-theory.md: a faulty graph must fail beside a correct one.

The other pitfalls are tested in the rooms that they belong to; ``grep -r "P15" tests`` finds one.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser

from paritygate.validate import ExitCode, validate

NET = """<ir_version: 8, opset_import: ["" : OPSET]> net (float[N, 3, 7, 7] x) => (float[N, A, B, C] y) {{ {} }}"""
WEIGHTS = {"w": (3, 3, 3, 3), "square": (7, 7)}
GELU_ERF = """r = Constant<value = float {1.41421354}>()
 d = Div(x, r)\n e = Erf(d)\n o = Constant<value = float {1.0}>()\n s = Add(e, o)\n h = Constant<value = float {0.5}>()
 t = Mul(x, s)\n y = Mul(t, h)"""
GELU_TANH = """k = Constant<value = float {0.044715}>()\n a = Constant<value = float {0.797884583}>()
 x2 = Mul(x, x)\n x3 = Mul(x2, x)\n kx = Mul(x3, k)\n i = Add(x, kx)\n ai = Mul(i, a)\n e = Tanh(ai)
 o = Constant<value = float {1.0}>()\n s = Add(e, o)\n h = Constant<value = float {0.5}>()
 t = Mul(x, s)\n y = Mul(t, h)"""
RESIZE = """none = Constant<value = float[0] {}>()
 scales = Constant<value = float[4] {1.0, 1.0, 2.0, 2.0}>()
 y = Resize<mode = "linear", coordinate_transformation_mode = "MODE">(x, none, scales)"""
POOL = "y = AveragePool<kernel_shape = [3, 3], pads = [1, 1, 1, 1], count_include_pad = COUNTED>(x)"
CONV = "c = Conv<pads = [1, 1, 1, 1]>(x, w)\n"
HALF = "h = Cast<to = 10>(c)\n g = Cast<to = 1>(h)\n y = Relu(g)"
EPSILON = "e = Constant<value = float {EPS}>()\n s = Mul(x, x)\n a = Add(s, e)\n y = Reciprocal(a)"


def network(path: Path, body: str, opset: int = 18, scale: float = 1.0) -> Path:
    """A file with the graph of ``body``, and random weights with a fixed seed."""
    random = np.random.default_rng(9)
    model = parser.parse_model(NET.replace("OPSET", str(opset)).format(body).replace("{{", "{").replace("}}", "}"))
    for name, shape in WEIGHTS.items():
        if any(name in node.input for node in model.graph.node):
            value = (scale * random.normal(size=shape)).astype(np.float32)
            model.graph.initializer.append(numpy_helper.from_array(value, name))
    onnx.save(model, path)
    return path


@pytest.mark.parametrize(
    ("correct", "faulty"),
    [
        pytest.param(RESIZE.replace("MODE", "half_pixel"), RESIZE.replace("MODE", "align_corners"), id="P10 corners"),
        pytest.param(RESIZE.replace("MODE", "half_pixel"), RESIZE.replace("MODE", "asymmetric"), id="P10 asymmetric"),
        pytest.param(CONV + "y = Relu(c)", CONV + HALF, id="P12 float16 inside"),
        pytest.param("y = MatMul(x, square)", "t = Transpose(square)\n y = MatMul(x, t)", id="P18 transposed square"),
        pytest.param(
            "y = MatMul(x, square)",
            "t = Transpose<perm = [0, 1, 3, 2]>(x)\n m = MatMul(t, square)\n y = Transpose<perm = [0, 1, 3, 2]>(m)",
            id="P18 silent transposition",
        ),
        pytest.param(POOL.replace("COUNTED", "0"), POOL.replace("COUNTED", "1"), id="P26 padding counted"),
        pytest.param(EPSILON.replace("EPS", "1e-4"), EPSILON.replace("EPS", "1.01e-4"), id="P26 epsilon"),
        pytest.param(GELU_ERF, GELU_TANH, id="P26 GELU by tanh"),
    ],
)
def test_the_faulty_graph_fails(correct, faulty, tmp_path):
    reference = network(tmp_path / "correct.onnx", correct)
    assert validate(reference, network(tmp_path / "faulty.onnx", faulty)).exit_code is ExitCode.PARITY_FAILED


def test_p13_softmax_has_a_different_meaning_before_opset_13(tmp_path):
    """Softmax(axis=1) normalises over all axes from 1 on in opset 12, over axis 1 alone in 13."""
    body = "y = Softmax<axis = 1>(x)"
    report = validate(network(tmp_path / "new.onnx", body, 13), network(tmp_path / "old.onnx", body, 12))
    assert report.exit_code is ExitCode.PARITY_FAILED


def test_p12_an_overflow_to_infinity_fails(tmp_path):
    """1000 times the weights: float16 ends at 65504."""
    correct = network(tmp_path / "correct.onnx", CONV + "y = Relu(c)", scale=1e4)
    report = validate(correct, network(tmp_path / "half.onnx", CONV + HALF, scale=1e4))
    assert [output.code for output in report.outputs] == ["PG106"]


def test_p21_the_report_names_the_processors_int8_instructions(tmp_path):
    """An int8 model gives different outputs on a processor without VNNI, so the report must name the processor."""
    path = network(tmp_path / "net.onnx", "y = Relu(x)")
    environment = validate(path, path).environment
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.is_file():
        pytest.skip("only Linux lists the instructions")
    flags = cpuinfo.read_text().split("flags", 1)[-1].split("\n", 1)[0].split()
    assert set(environment.cpu_flags) == {"avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "f16c"} & set(flags)
    assert environment.provider == "CPUExecutionProvider"


def test_p25_a_fault_that_zeros_hide_is_found(tmp_path):
    """A dropped product makes no difference for zeros and ones; generated samples have other values."""
    reference = network(tmp_path / "correct.onnx", "s = Mul(x, x)\n y = Mul(s, x)")
    assert not validate(reference, network(tmp_path / "faulty.onnx", "s = Mul(x, x)\n y = Abs(x)")).passed
