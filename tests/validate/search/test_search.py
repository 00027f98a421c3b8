"""``--search`` from end to end: what it finds is judged like any other sample."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from paritygate.validate import validate
from paritygate.validate.engines.base import LoadOptions, Runtime
from paritygate.validate.engines.onnxruntime import load
from paritygate.validate.report.report import Report
from paritygate.validate.report.types import SamplesSummary, Verdict
from paritygate.validate.search.reproduction import doubts_about
from paritygate.validate.tasks.types import Bindings, ModelRun
from paritygate.validate.workers.job_folder import JobFolder


def notes(report: Report) -> str:
    return "\n".join(finding.message for finding in report.findings)


def bump(path: Path, height: float) -> Path:
    """y = 2x, and a smooth bump of ``height`` where six inputs are near 0.7 at once."""
    nodes = [
        helper.make_node("Sub", ["x", "at"], ["off"]),
        helper.make_node("Mul", ["off", "off"], ["squares"]),
        helper.make_node("ReduceSum", ["squares", "axes"], ["distance"], keepdims=1),
        helper.make_node("Neg", ["distance"], ["near"]),
        helper.make_node("Exp", ["near"], ["peak"]),
        helper.make_node("Mul", ["peak", "height"], ["bump"]),
        helper.make_node("Add", ["x", "x"], ["double"]),
        helper.make_node("Add", ["double", "bump"], ["y"]),
    ]
    constants = {"at": np.float32(0.7), "axes": np.array([1]), "height": np.float32(height)}
    inputs, outputs = ([helper.make_tensor_value_info(n, TensorProto.FLOAT, ["N", 6])] for n in "xy")
    initializers = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "bump", inputs, outputs, initializers)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path


def test_a_fault_between_the_samples_is_found_by_a_search(tmp_path: Path) -> None:
    """Within the user's bounds on all samples, but not near one point: hill climbing gets there."""
    flat, bumpy = bump(tmp_path / "flat.onnx", 0.0), bump(tmp_path / "bumpy.onnx", 0.05)
    bounds = {"rtol": 1e-3, "atol": 0.03, "ranges": {"x": (-3.0, 3.0)}}
    assert validate(flat, bumpy, **bounds).passed
    report = validate(flat, bumpy, search=2.0, **bounds)
    assert not report.passed
    assert report.samples.kinds[-1] == "searched"
    assert "a search of 2 s tried" in notes(report)


def test_a_search_that_finds_nothing_keeps_the_verdict(tmp_path: Path) -> None:
    flat = bump(tmp_path / "flat.onnx", 0.0)
    report = validate(flat, flat, search=0.2)
    assert report.passed
    assert "outputs differ by 0 of" in notes(report)


def doubler(path: Path, rows: str = "") -> Path:
    """y = 2x; in the rows that ``rows`` leaves out of the sum it is x."""
    body = f"{rows} y = Add(x, kept)" if rows else "y = Add(x, x)"
    text = f'<ir_version: 9, opset_import: ["" : 20]> g (float[N, 4] x) => (float[N, 4] y) {{ {body} }}'
    onnx.save(onnx.parser.parse_model(text), path)
    return path


ONLY_THE_FIRST = """
    start = Constant<value = int64[1] {0}>() end = Constant<value = int64[1] {140}>()
    last = Constant<value = int64[1] {999999}>() axis = Constant<value = int64[1] {0}>()
    head = Slice(x, start, end, axis) tail = Slice(x, end, last, axis)
    gone = Sub(tail, tail) kept = Concat<axis = 0>(head, gone)"""


def test_a_fault_that_shows_in_a_batch_alone_stays_found(tmp_path: Path) -> None:
    """The candidate is right in the first 140 rows of a batch: a row on its own shows nothing."""
    right, wrong = doubler(tmp_path / "right.onnx"), doubler(tmp_path / "wrong.onnx", ONLY_THE_FIRST)
    assert validate(right, wrong, batch_sizes=(1, 131)).passed
    report = validate(right, wrong, batch_sizes=(1, 131), search=1.0)
    assert report.verdict is Verdict.FAIL, str(report)
    assert report.samples.batch_sizes[-1] > 140


def test_what_a_search_has_found_and_no_sample_shows_speaks_against_a_pass(tmp_path: Path) -> None:
    path = doubler(tmp_path / "m.onnx")
    report = validate(path, path, keep=tmp_path / "job")
    model = load(path, LoadOptions())
    run = ModelRun(model.signature, model.facts(), SamplesSummary(1), Runtime("ONNX Runtime"))
    job = JobFolder(tmp_path / "job")
    assert report.passed
    assert doubts_about(job, run.signature, run, Bindings(), 0.9) == ()
    (doubt,) = doubts_about(job, run.signature, run, Bindings(), 40.0)
    assert "differ by 40 of what the table of tolerances allows" in doubt
