"""The gate itself: a candidate that was broken on purpose never passes and never reaches OUTPUT."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from fixtures.onnx_classifier import attribute, classifier, nudge, weight
from paritygate.convert import convert
from paritygate.convert.routes.registry import ROUTES, Route
from paritygate.validate import ExitCode, validate
from paritygate.validate.report.types import Severity, Verdict

ROOT = Path(__file__).parents[2]


def swap_outputs(model: onnx.ModelProto) -> None:
    """logits and probabilities have the same shape and dtype; only their values tell."""
    names = {"logits": "probabilities", "probabilities": "logits"}
    for node in model.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]


def drop_output(model: onnx.ModelProto) -> None:
    del model.graph.output[1]


def narrow_label(model: onnx.ModelProto) -> None:
    """label as int32: the values are right, the dtype isn't."""
    model.graph.node[-1].output[0] = "wide"
    model.graph.node.append(onnx.helper.make_node("Cast", ["wide"], ["label"], to=onnx.TensorProto.INT32))
    model.graph.output[2].type.tensor_type.elem_type = onnx.TensorProto.INT32


def freeze_batch(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1


def divide_by_zero(model: onnx.ModelProto) -> None:
    weight(model, "variance", lambda v: -v)


BROKEN: dict[str, Callable[[onnx.ModelProto], None]] = {
    "nudged weight": lambda m: weight(m, "kernel", nudge),
    "nudged bias": lambda m: weight(m, "bias", lambda v: v + np.float32(1e-3)),
    "transposed square weight": lambda m: weight(m, "square", lambda v: v.T),
    "swapped image axes": lambda m: weight(m, "kernel", lambda v: v.transpose(0, 1, 3, 2)),
    "another epsilon": lambda m: attribute(m, "BatchNormalization", "epsilon", 1e-5),
    "another softmax axis": lambda m: attribute(m, "Softmax", "axis", 0),
    "wrong class order": lambda m: [weight(m, n, lambda v: v[..., [1, 0, 2, 3, 4]]) for n in ("weight", "bias")],
    "swapped outputs": swap_outputs,
    "dropped output": drop_output,
    "narrower label": narrow_label,
    "NaN": divide_by_zero,
}

BROKEN_ROUTE = """
import importlib.util, sys
import onnx
from paritygate.convert.routes.onnx.to_onnx import convert as honest
spec = importlib.util.spec_from_file_location("gate", {tests!r})
gate = importlib.util.module_from_spec(spec)
spec.loader.exec_module(gate)

def convert(model, destination, options):
    candidate = honest(model, destination, options)
    proto = onnx.load(str(destination))
    gate.BROKEN[{name!r}](proto)
    onnx.save(proto, str(destination))
    return candidate
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.onnx"
    onnx.save(classifier(), str(path))
    return path


def test_the_unbroken_model_passes(source: Path, tmp_path: Path) -> None:
    conversion = convert(source, tmp_path / "out.onnx", opset=18)
    assert conversion.report.exit_code is ExitCode.PASS
    assert conversion.path is not None
    assert onnx.load(str(conversion.path)).opset_import[0].version == 18


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_conversion_fails_and_writes_nothing(
    name: str, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = f"broken_route_{list(BROKEN).index(name)}"
    (tmp_path / f"{module}.py").write_text(BROKEN_ROUTE.format(tests=__file__, name=name))
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")
    monkeypatch.setitem(ROUTES, ("onnx", "onnx"), (Route("direct", (module,)),))
    output = tmp_path / "out" / "model.onnx"
    output.parent.mkdir()
    conversion = convert(source, output, localise=False)
    assert conversion.report.verdict is Verdict.FAIL, str(conversion)
    assert conversion.path is None
    assert not list(output.parent.iterdir())


def test_a_failed_run_leaves_the_old_file_alone(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_route.py").write_text(BROKEN_ROUTE.format(tests=__file__, name="nudged weight"))
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")
    monkeypatch.setitem(ROUTES, ("onnx", "onnx"), (Route("direct", ("broken_route",)),))
    output = tmp_path / "model.onnx"
    output.write_bytes(b"old")
    assert not convert(source, output, localise=False).report.passed
    assert output.read_bytes() == b"old"


def test_a_frozen_batch_is_no_pass(source: Path, tmp_path: Path) -> None:
    """P16: the candidate can't run the second batch size at all, so nothing is proved."""
    model = classifier()
    freeze_batch(model)
    onnx.save(model, str(tmp_path / "frozen.onnx"))
    command = [sys.executable, "-m", "paritygate.cli", "validate", str(source), str(tmp_path / "frozen.onnx"), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == ExitCode.INCONCLUSIVE
    assert json.loads(done.stdout)["error"]["code"] == "PG302"


def test_a_random_reference_is_inconclusive(tmp_path: Path) -> None:
    """P23: two runs differ, so no comparison with it means anything."""
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17]> r (float[N, 4] x) => (float[N, 4] y) '
        "{ noise = RandomNormalLike (x)\n y = Add (x, noise) }"
    )
    onnx.save(model, str(tmp_path / "random.onnx"))
    report = validate(tmp_path / "random.onnx", tmp_path / "random.onnx")
    assert "PG307" in {finding.code for finding in report.findings}
    assert not report.passed


def test_a_reference_that_mixes_its_rows_is_inconclusive(tmp_path: Path) -> None:
    """P14: batch statistics instead of learned ones; alone and beside its copy, a row gets different answers."""
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17]> r (float[N, 4] x) => (float[N, 4] y) '
        "{ total = ReduceSum <keepdims = 1> (x, rows)  y = Sub (x, total) }"
    )
    model.graph.initializer.append(numpy_helper.from_array(np.array([0]), "rows"))
    onnx.save(model, str(tmp_path / "mixing.onnx"))
    report = validate(tmp_path / "mixing.onnx", tmp_path / "mixing.onnx", batch_sizes=(1, 3))
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "PG309" in {finding.code for finding in report.findings}


COREML = pytest.mark.parametrize("precision", ["fp32", "fp16"])


@COREML
def test_a_slightly_random_reference_is_inconclusive_for_a_coarse_candidate(precision: str, tmp_path: Path) -> None:
    """P23: the candidate's own width says nothing about whether the reference agrees with itself."""
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17]> r (float[N, 4] x) => (float[N, 4] y) '
        "{ noise = RandomNormalLike <scale = 0.0005> (x)\n one = Add (noise, unit)\n y = Mul (x, one) }"
    )
    model.graph.initializer.append(numpy_helper.from_array(np.float32(1), "unit"))
    onnx.save(model, str(tmp_path / "random.onnx"))
    report = convert(tmp_path / "random.onnx", tmp_path / "out.mlpackage", precision=precision).report
    assert "PG307" in {finding.code for finding in report.findings}
    assert not report.passed


@COREML
def test_a_reference_that_mixes_its_rows_a_little_is_inconclusive_too(precision: str, tmp_path: Path) -> None:
    """P14: a thousandth of what the other rows sum up to, which float16 would hardly notice."""
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17]> r (float[N, 4] x) => (float[N, 4] y) '
        "{ total = ReduceSum <keepdims = 1> (x, rows)  part = Mul (total, little)  y = Sub (x, part) }"
    )
    model.graph.initializer.append(numpy_helper.from_array(np.array([0]), "rows"))
    model.graph.initializer.append(numpy_helper.from_array(np.float32(1e-3), "little"))
    onnx.save(model, str(tmp_path / "mixing.onnx"))
    report = convert(tmp_path / "mixing.onnx", tmp_path / "out.mlpackage", precision=precision).report
    assert "PG309" in {finding.code for finding in report.findings if finding.severity is Severity.ERROR}
    assert not report.passed


def test_bindings_name_what_is_compared(source: Path, tmp_path: Path) -> None:
    """P8: other names don't match until they are bound, and a wrong binding fails."""
    model = classifier()
    model.graph.node[-2].output[0] = model.graph.node[-1].input[0] = model.graph.output[1].name = "scores"
    renamed = tmp_path / "renamed.onnx"
    onnx.save(model, str(renamed))
    assert validate(source, renamed).verdict is Verdict.FAIL
    assert validate(source, renamed, bind={"scores": "probabilities"}).passed
    assert validate(source, renamed, bind={"scores": "logits"}).verdict is Verdict.FAIL


def test_rounding_that_a_model_magnifies_is_not_taken_for_mixed_rows(tmp_path: Path) -> None:
    """PyTorch sums one row and two rows in different orders; here the last bit of a sum shows in the third digit."""
    torch = pytest.importorskip("torch")

    class Steep(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.dense = torch.nn.Linear(6, 4)

        def forward(self, x):
            return torch.sin(1e4 * self.dense(x))

    torch.manual_seed(7)
    example = (torch.randn(2, 6),)
    program = torch.export.export(Steep().eval(), example, dynamic_shapes=({0: torch.export.Dim("N")},))
    torch.export.save(program, tmp_path / "steep.pt2")
    report = convert(tmp_path / "steep.pt2", tmp_path / "steep.onnx", seed=1).report
    assert report.passed
