"""Faults that ordinary samples don't reach: a generated sample shows each, and the right model passes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser

from paritygate.validate import validate
from paritygate.validate.report.coverage import CoverageKind

TABLE = np.random.default_rng(0).standard_normal((4000, 8)).astype(np.float32)
HEAD = np.random.default_rng(1).standard_normal((8, 4)).astype(np.float32)


def write(path: Path, body: str, inputs: str, tensors: dict[str, Any]) -> Path:
    code = ", int64[n] code" if " code = " in body else ""
    text = f'<ir_version: 9, opset_import: ["" : 20]> g ({inputs}) => (float[n,k] logits{code}) {{ {body} }}'
    model = parser.parse_model(text)
    model.graph.initializer.extend(numpy_helper.from_array(np.asarray(v), n) for n, v in tensors.items())
    onnx.save(model, path)
    return path


def other_row(tensors: dict[str, Any]) -> None:
    tensors["table"] = TABLE.copy()
    tensors["table"][1234] += 1


def change(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda tensors: tensors.update({name: value})


EMBED = "rows = Gather(table, ids) mean = ReduceMean<keepdims=0>(rows, one) logits = MatMul(mean, head)"
POINTS = {"one": np.array([1])}
MASKED = (
    "floating = Cast<to=1>(attention_mask) every = ReduceSum<keepdims=1>(floating, one) none = Equal(every, nil) "
    "part = Mul(x, floating) sum = MatMul(part, head) logits = Where(none, other, sum)"
)
FAULTS: dict[str, tuple[str, str, dict[str, Any], Callable[[dict[str, Any]], None]]] = {
    "a row of a table": (EMBED, "int64[n,s] ids", {"table": TABLE, "head": HEAD, **POINTS}, other_row),
    "the side of a Where": (
        "sum = ReduceSum<keepdims=1>(x, one) far = Greater(sum, limit) a = MatMul(x, head) b = Mul(a, factor) "
        "logits = Where(far, b, a)",
        "float[n,8] x", {**POINTS, "limit": np.float32(9000), "factor": np.float32(2), "head": HEAD},
        change("factor", np.float32(3)),
    ),
    "a mask of no position": (
        MASKED, "float[n,8] x, int64[n,8] attention_mask",
        {**POINTS, "head": HEAD, "nil": np.float32(0), "other": np.float32(5)}, change("other", np.float32(6)),
    ),
    "a missing value": (
        "bad = IsNaN(x) clean = Where(bad, filler, x) logits = MatMul(clean, head)", "float[n,8] x",
        {"head": HEAD, "filler": np.float32(0.5)}, change("filler", np.float32(0)),
    ),
    "rows beyond the 1,024th": (
        "front = Slice(x, start, end, axis) back = Slice(x, end, last, axis) other = Mul(back, factor) "
        "all = Concat<axis=0>(front, other) logits = MatMul(all, head)",
        "float[n,8] x",
        {
            "head": HEAD, "start": np.array([0]), "end": np.array([1024]), "last": np.array([1 << 40]),
            "axis": np.array([0]), "factor": np.float32(1),
        },
        change("factor", np.float32(0)),
    ),
    "a class that is never chosen": (
        "raw = MatMul(x, head) logits = Add(raw, bias) best = ArgMax<axis=1,keepdims=0>(logits) "
        "code = Gather(codes, best)",
        "float[n,8] x",
        {
            "head": np.eye(8, 4, dtype=np.float32), "bias": np.array([0, 0, 0, -600], np.float32),
            "codes": np.array([7, 8, 9, 5]),
        },
        change("codes", np.array([7, 8, 9, 6])),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_sample_reaches_what_is_wrong(tmp_path: Path, name: str) -> None:
    body, inputs, tensors, spoil = FAULTS[name]
    wrong = dict(tensors)
    spoil(wrong)
    right = write(tmp_path / "right.onnx", body, inputs, tensors)
    report = validate(right, write(tmp_path / "wrong.onnx", body, inputs, wrong), localise=False)
    assert report.verdict == "fail"
    assert validate(right, right).passed


def test_what_cannot_be_reached_is_reported_and_can_be_asked_for(tmp_path: Path) -> None:
    body = "small = Tanh(x) far = Greater(small, limit) b = Neg(x) logits = Where(far, b, x)"
    model = write(tmp_path / "m.onnx", body, "float[n,8] x", {"limit": np.float32(2)})
    report = validate(model, model)
    assert report.passed
    assert report.coverage is not None
    (item,) = report.coverage.of(CoverageKind.BRANCHES)
    assert (item.reached, item.total, item.missing) == (1, 2, ("where it is true",))
    asked = validate(model, model, min_coverage=0.9)
    assert asked.verdict == "inconclusive"
    assert [finding.code for finding in asked.findings if finding.code] == ["PG319"]
