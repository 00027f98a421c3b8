"""The same command gives the same report, byte for byte but for times."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper, parser

from paritygate.validate import validate
from paritygate.validate.report.render.json import render_report


def net(path: Path, scale: float) -> Path:
    model = parser.parse_model(
        '<ir_version: 9, opset_import: ["" : 20]> g (float[N, 16] x) => (float[N, 8] y) '
        "{ h = MatMul(x, a) t = Tanh(h) y = MatMul(t, b) }"
    )
    rng = np.random.default_rng(4)
    for name, shape in (("a", (16, 16)), ("b", (16, 8))):
        model.graph.initializer.append(numpy_helper.from_array(rng.normal(size=shape).astype(np.float32) * scale, name))
    onnx.save(model, path)
    return path


def test_a_second_run_gives_the_same_report(tmp_path: Path) -> None:
    reference, candidate = net(tmp_path / "r.onnx", 1.0), net(tmp_path / "c.onnx", 1.0000002)
    reports = []
    for _ in range(2):
        report = json.loads(render_report("validate", validate(reference, candidate, localise=False)))["result"]
        report.pop("timings")
        reports.append(report)
    assert reports[0] == reports[1]
    assert reports[0]["outputs"][0]["tolerance"]["source"] == "computed"
