"""``check --runtime``: what is printed of other runtimes; tests/validate/test_elsewhere.py tests what they do."""

from __future__ import annotations

from paritygate.targets.render import ran_text
from paritygate.validate.report.report import Report
from paritygate.validate.report.types import Environment, Finding, ModelSummary, SamplesSummary, Severity
from paritygate.validate.signature import Signature


def test_each_runtime_has_a_line() -> None:
    model = ModelSummary("m.onnx", "ONNX", Signature((), ()))
    findings = (
        Finding("", Severity.NOTE, "onnxruntime@1.16", "parity holds there, too"),
        Finding("PG125", Severity.ERROR, "openvino@2026.4", "other values"),
        Finding("", Severity.NOTE, "conversion", "not about a runtime"),
    )
    text = ran_text(Report((), model, model, SamplesSummary(3), Environment(), findings))
    assert text.splitlines() == [
        "m.onnx: fail on 3 samples",
        "  onnxruntime@1.16   parity holds there, too",
        "  openvino@2026.4    other values",
    ]
