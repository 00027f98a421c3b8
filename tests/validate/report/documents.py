"""Documents of every kind for tests of formats, with names as a hostile file may give them."""

from __future__ import annotations

from hypothesis import strategies as st

from paritygate.validate.catalog import CATALOG
from paritygate.validate.report.document import Document, Entry, Failure
from paritygate.validate.report.report import Report
from paritygate.validate.report.types import (
    Environment,
    Errors,
    Finding,
    Metrics,
    ModelSummary,
    OutputComparison,
    SamplesSummary,
    Severity,
    Tolerance,
    Verdict,
    WorstElement,
)
from paritygate.validate.report.user_checks import MetricComparison
from paritygate.validate.signature import Signature, TensorSpec

EVIL = (
    "\x1b[31m<script>alert('&')</script>\n|**bold**|[link](x)\n::error::owned ##[set-output] @someone #12 https://x.y"
)


def report(verdict: Verdict, name: str = EVIL) -> Report:
    """One output of the verdict."""
    model = ModelSummary(name, "ONNX", Signature((), ()), 10, "ab" * 32)
    output = OutputComparison(name, name, verdict, "" if verdict is Verdict.PASS else "PG101", f"about {name}")
    return Report((output,), model, model, SamplesSummary(3), Environment({}, "ONNX Runtime"))


def failure(name: str = EVIL) -> Failure:
    """An error about the name."""
    return Failure("PG402", name, f"{name} is damaged", "Save it again.")


ENTRIES = {
    "pass": Entry("a.onnx", "b.onnx", report(Verdict.PASS), written="out.onnx", seconds=1.5),
    "fail": Entry(EVIL, "c.onnx", report(Verdict.FAIL)),
    "inconclusive": Entry("a.onnx", EVIL, report(Verdict.INCONCLUSIVE)),
    "error": Entry(EVIL, EVIL, error=failure()),
}

texts = st.one_of(
    st.sampled_from([EVIL, "nan", "inf", "", "\ud800", "\x00\ufffe", "]]>", "%0A", "::set-env name=x::y", "\u202e"]),
    st.text(max_size=12),
)
codes = st.sampled_from(sorted(CATALOG))
numbers = st.sampled_from([float("nan"), float("inf"), -float("inf"), 3.0, 7]) | st.floats()
finite = st.floats(0, 1e6)
outputs = st.builds(
    lambda values, **given: OutputComparison(**given, worst=values),
    name=texts,
    candidate_name=texts,
    verdict=st.sampled_from(Verdict),
    code=st.sampled_from(["", "PG101", "PG104", "PG315"]),
    reason=texts,
    dtype=st.just("float32"),
    candidate_dtype=st.sampled_from(["float32", "bfloat16", ""]),
    shape=st.none() | st.tuples(st.integers(0, 9)),
    tolerance=st.none() | st.builds(Tolerance, finite, st.integers(0, 3), dtype=st.just("float32")),
    metrics=st.none()
    | st.builds(
        Metrics,
        st.integers(0, 9),
        st.integers(0, 9),
        errors=st.none()
        | st.builds(
            Errors, *[finite] * 2, *[st.none() | finite] * 4, st.tuples(st.tuples(st.just(0.5), finite)), finite
        ),
    ),
    values=st.none()
    | st.builds(WorstElement, st.integers(0, 9), st.tuples(st.integers(0, 9)), numbers, numbers, st.none() | finite),
)
text_outputs = st.builds(
    lambda one, other: OutputComparison(
        "y", "y", Verdict.FAIL, "PG107", dtype="str", candidate_dtype="str", worst=WorstElement(0, (0,), one, other)
    ),
    texts,
    texts,
)
findings = st.builds(Finding, codes | st.just(""), st.sampled_from(Severity), texts, texts, texts)
models = st.builds(
    ModelSummary,
    texts,
    st.just("ONNX"),
    st.builds(Signature, st.just(()), st.tuples(st.builds(TensorSpec, texts, st.just("float32"), st.just(("N", 3))))),
    st.none() | st.integers(0, 2**40),
)
reports = st.builds(
    Report,
    st.lists(outputs | text_outputs, max_size=3).map(tuple),
    models,
    models,
    st.builds(SamplesSummary, st.integers(0, 3)),
    st.builds(Environment, st.dictionaries(texts, texts, max_size=2)),
    st.lists(findings, max_size=3).map(tuple),
    user_metrics=st.just(()) | st.tuples(st.builds(MetricComparison, texts, numbers, numbers, st.none() | finite)),
)
entries = st.builds(Entry, texts, texts, reports, seconds=finite) | st.builds(
    Entry, texts, texts, error=st.builds(Failure, codes, texts, texts, texts)
)
documents = st.builds(
    Document,
    st.sampled_from(["convert", "validate", "gate"]),
    st.lists(entries, max_size=3).map(tuple),
    arguments=st.lists(texts, max_size=3).map(tuple),
    options=st.dictionaries(texts, st.none() | st.booleans() | st.integers() | texts | st.lists(finite), max_size=3),
    version=st.just("1.2.3"),
    started=st.just("2026-01-01T00:00:00+00:00"),
)
