"""Documents for the page's tests: real comparisons of made-up arrays, and what hostile files call their outputs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from paritygate.validate.expectations.expected import Expectations
from paritygate.validate.report.divergence import Divergence, LayerError
from paritygate.validate.report.document import Change, Document, Entry, Failure, Status
from paritygate.validate.report.report import Report
from paritygate.validate.report.types import Environment, ModelSummary, SamplesSummary
from paritygate.validate.samples import Sample, SampleKind
from paritygate.validate.signature import Signature, TensorSpec
from paritygate.validate.verdict.comparison import CandidateOutputs, Comparison, ReferenceOutputs
from paritygate.validate.verdict.judge import judge
from paritygate.validate.verdict.policies import DefaultPolicy

IMAGE = (2, 3, 12, 16)
NASTY = "</script><script>alert(1)</script><!--<img src=x onerror=alert(2)>\"'{{ 7*7 }}"


def judged(*, broken, name="mask", lost=False):
    """An image, scores of classes and their labels over two samples, judged; ``lost`` image rows are NaN."""
    rng = np.random.default_rng(3)
    samples, expected, actual = [], [], []
    for _ in range(2):
        image, scores = rng.normal(size=IMAGE).astype("f"), rng.dirichlet(np.ones(6), 2).astype("f")
        want = {name: image, "scores": scores, "label": scores.argmax(1)}
        got = {key: value.copy() for key, value in want.items()}
        if broken:
            got[name][:, :, -1] += np.float32(0.5)
            got["scores"] = np.roll(scores, 1, axis=1)
            got["label"] = got["scores"].argmax(1)
        else:
            got[name] *= np.float32(1 + 1e-7)
        samples.append(Sample("normal, batch 2", {"x": image}, SampleKind.NORMAL, 2))
        if lost:
            got[name] = want[name].copy()
            got[name][:, :, 2:4] = np.nan
        expected.append(want)
        actual.append(got)
    specs = tuple(TensorSpec(key, value.dtype.name, value.shape) for key, value in expected[0].items())
    signature = Signature((TensorSpec("x", "float32", IMAGE),), specs, labels={"label": "scores"})
    comparison = Comparison(
        signature,
        signature,
        samples,
        ReferenceOutputs(expected, [{}, {}], [{}, {}]),
        CandidateOutputs(actual),
        {key: key for key in expected[0]},
    )
    return judge(comparison, DefaultPolicy(), Expectations()), signature


def report(*, broken, name="mask", lost=False):
    judgement, signature = judged(broken=broken, name=name, lost=lost)
    model = ModelSummary("model.keras", "Keras", signature, 1000, "ab" * 32, runtime="TensorFlow 2")
    made = Report(
        judgement.outputs,
        model,
        replace(model, path="model.onnx", format="ONNX"),
        SamplesSummary(2, ("normal",), (2,), "generated", 0),
        Environment({"onnx": "1.23.2"}, "ONNX Runtime", "CPUExecutionProvider", "Some CPU", ("avx2",)),
        findings=judgement.findings,
        charts=judgement.charts,
    )
    return replace(made, divergence=divergence(name)) if broken else made


def divergence(name):
    trail = (
        LayerError("conv", "conv_1", 0.0, 1e-6, True, 2.0),
        LayerError(name, "resize", 0.5, 1e-6, False, 2.0),
        LayerError("last", "dense", float("inf"), 1e-6, False, 2.0),
    )
    place = {"sample": 0, "index": (0, 0, 0, 0), "expected": 1.0, "actual": 1.5, "error": 0.5, "allowed": 1e-6}
    return Divergence(name, "resize", "Resize", "name", ("resize",), ("conv",), (), **place, error_alone=0.5,
                      starts_here=True, trail=trail)  # fmt: skip


def single(*, broken, name="mask", lost=False):
    made = report(broken=broken, name=name, lost=lost)
    return Document("validate", (Entry("model.keras", "model.onnx", made),), version="1.0")


def gate(models):
    """Two targets for each model: most pass, some fail, and one in eleven ends in an error."""
    good, bad = report(broken=False), report(broken=True)
    return Document(
        "gate",
        tuple(_entry(f"model-{at // 2:03d}", ("onnx", "coreml")[at % 2], at, good, bad) for at in range(2 * models)),
        ("gate", "--baseline", "last.json"),
        {"seed": 0},
        "1.0",
        baseline="last.json",
    )


def _entry(model, target, at, good, bad):
    if at % 11 == 3:
        return Entry(model, target, error=Failure("PG401", model, "Foo can't be converted", "Use another target."))
    if at % 7 == 2:
        return Entry(model, target, bad, change=Change.WORSE, before=Status.PASS)
    return Entry(model, target, good, f"{model}.onnx", change=Change.UNCHANGED, before=Status.PASS)
