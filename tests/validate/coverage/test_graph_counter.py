"""What is counted inside of a graph: each kind once where it is reached in part, and once where it is reached whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser

from paritygate.validate.coverage.graph_counter import GraphCounter
from paritygate.validate.coverage.probes import PREFIX
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.onnxruntime import load
from paritygate.validate.report.coverage import Coverage, CoverageKind, Covered


def write(path: Path, body: str, inputs: str, outputs: str, tensors: dict[str, Any], opset: int = 20) -> Path:
    head = f'<ir_version: 9, opset_import: ["" : {opset}, "ai.onnx.ml" : 3]>'
    model = parser.parse_model(f"{head} g ({inputs}) => ({outputs}) {{ {body} }}")
    model.graph.initializer.extend(numpy_helper.from_array(np.asarray(v), n) for n, v in tensors.items())
    onnx.save(model, path)
    return path


def count(path: Path, *feeds: dict[str, Any]) -> Coverage:
    counter = GraphCounter()
    shown = counter.run_plain(load(path, LoadOptions()), lambda model: [model.run(feed) for feed in feeds])
    assert not any(name.startswith(PREFIX) for output in shown for name in output)
    return counter.coverage


def ids(*values: int) -> dict[str, Any]:
    return {"ids": np.array([values])}


def floats(*values: float) -> dict[str, Any]:
    return {"x": np.array([values], np.float32)}


TABLE = {"table": np.eye(5, 3, dtype=np.float32)}
KINDS: list[tuple[str, str, str, dict[str, Any], list[dict[str, Any]], Covered]] = [
    (
        "y = Gather(table, ids)", "int64[b,s] ids", "float[b,s,3] y", TABLE, [ids(0, 2), ids(2, -1)],
        Covered(CoverageKind.ROWS, "table", 3, 5),
    ),
    (
        "half = Cast<to=10>(table) y = Gather(half, ids)", "int64[b,s] ids", "float16[b,s,3] y", TABLE,
        [ids(0, 1, 2), ids(3, 4, 0)], Covered(CoverageKind.ROWS, "table", 5, 5),
    ),
    (
        "shape = Shape<start=1>(ids) none = Squeeze(shape) at = Range(zero, none, one) y = Gather(table, at)",
        "int64[b,s] ids", "float[s,3] y", {**TABLE, "zero": np.int64(0), "one": np.int64(1)}, [ids(0, 1), ids(0)],
        Covered(CoverageKind.POSITIONS, "table", 2, 5),
    ),
    (
        "shape = Shape<start=1>(ids) y = Slice(table, zero, shape, zero)", "int64[b,s] ids", "float[s,3] y",
        {**TABLE, "zero": np.array([0])}, [ids(0, 1, 2), ids(0)], Covered(CoverageKind.POSITIONS, "table", 3, 5),
    ),
    (
        "[w] high = Greater(x, top) y = Where(high, top, x)", "float[b,c] x", "float[b,c] y",
        {"top": np.float32(9)}, [floats(1, 2), floats(-1, 0)],
        Covered(CoverageKind.BRANCHES, "w", 1, 2, ("where it is true",)),
    ),
    (
        "[w] high = Greater(x, top) y = Where(high, top, x)", "float[b,c] x", "float[b,c] y",
        {"top": np.float32(9)}, [floats(1, 2), floats(-1, 10)], Covered(CoverageKind.BRANCHES, "w", 2, 2),
    ),
    (
        "[r] y = Relu(x)", "float[b,c] x", "float[b,c] y", {}, [floats(1, 2), floats(3)],
        Covered(CoverageKind.BRANCHES, "r", 1, 2, ("below 0",)),
    ),
    (
        "[r] y = Clip(x, low, high)", "float[b,c] x", "float[b,c] y",
        {"low": np.float32(0), "high": np.float32(6)}, [floats(-1, 2)],
        Covered(CoverageKind.BRANCHES, "r", 2, 3, ("above 6",)),
    ),
    (
        "[r] y = Max(x, low)", "float[b,c] x", "float[b,c] y", {"low": np.float32(1)}, [floats(-1, 2)],
        Covered(CoverageKind.BRANCHES, "r", 2, 2),
    ),
    (
        '[o] y = ai.onnx.ml.OneHotEncoder<cats_strings=["a","b","c"]>(t)', "string[b] t", "float[b,3] y", {},
        [{"t": np.array(["a", "c", "z"])}, {"t": np.array(["a"])}],
        Covered(CoverageKind.CATEGORIES, "o", 3, 4, ("'b'",)),
    ),
    (
        "[l] y = Loop<body = turn (int64 i, bool go, float[b,c] s) => (bool on, float[b,c] t) "
        "{ on = Identity(go) t = Add(s, s) }>(n, yes, x)",
        "float[b,c] x, int64 n", "float[b,c] y", {"yes": np.array(True)},
        [{**floats(1.0), "n": np.array(0)}, {**floats(1.0), "n": np.array(5)}],
        Covered(CoverageKind.TRIPS, "l", 2, 3, ("with one turn",)),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("body", "inputs", "outputs", "tensors", "feeds", "expected"), KINDS)
def test_each_kind_is_counted(
    tmp_path: Path,
    body: str,
    inputs: str,
    outputs: str,
    tensors: dict[str, Any],
    feeds: list[dict[str, Any]],
    expected: Covered,
) -> None:
    names = [part for part in body.split() if part.startswith("[")]
    coverage = count(
        named(tmp_path, body.replace(f"{names[0]} " if names else "", ""), inputs, outputs, tensors, names), *feeds
    )
    assert coverage.uncounted == ""
    assert expected in coverage.items


def named(folder: Path, body: str, inputs: str, outputs: str, tensors: dict[str, Any], names: list[str]) -> Path:
    """The file of a graph whose last node has the name in brackets."""
    path = write(folder / "m.onnx", body, inputs, outputs, tensors)
    model = onnx.load(path)
    model.graph.node[-1].name = names[0].strip("[]") if names else ""
    onnx.save(model, path)
    return path


UNCOUNTED = {
    "a condition on shapes": "s = Shape(x) big = Size(x) many = Greater(big, five) y = Where(many, x, x)",
    "an activation of constants": "r = Relu(five_f) y = Add(x, r)",
    "the test for a negative index": "low = Less(i, zero) up = Add(i, five) at = Where(low, up, i) "
    "g = Gather(five_row, at) y = Add(x, g)",
}


@pytest.mark.parametrize("body", UNCOUNTED.values(), ids=UNCOUNTED)
def test_what_no_sample_decides_is_no_branch(tmp_path: Path, body: str) -> None:
    tensors = {
        "five": np.int64(5), "zero": np.int64(0), "five_f": np.ones(1, np.float32), "five_row": np.ones(5, np.float32)
    }  # fmt: skip
    path = write(tmp_path / "m.onnx", body, "float[b,c] x, int64 i", "float[b,c] y", tensors)
    assert count(path, {**floats(1, 2), "i": np.array(1)}).of(CoverageKind.BRANCHES) == ()


def test_a_sample_without_elements_reaches_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "m.onnx", "y = Relu(x)", "float[b,c] x", "float[b,c] y", {})
    (item,) = count(path, {"x": np.zeros((0, 2), np.float32)}).items
    assert item.reached == 0


def test_an_old_opset_is_said_and_runs_as_it_is(tmp_path: Path) -> None:
    path = write(tmp_path / "m.onnx", "y = Relu(x)", "float[b,c] x", "float[b,c] y", {}, opset=10)
    coverage = count(path, floats(1, 2))
    assert coverage.items == ()
    assert "opset 10" in coverage.uncounted


@pytest.mark.parametrize(
    ("body", "guides"),
    [
        ("high = Greater(x, top) [w] y = Where(high, top, x)", [True]),
        ("none = IsNaN(x) [w] y = Where(none, top, x)", [False]),  # no number tells how near x is to NaN
        ("inside = Less(x, top) not = Not(inside) [w] y = Where(not, top, x)", [True]),
    ],
)
def test_a_search_is_guided_by_comparisons(tmp_path: Path, body: str, guides: list[bool]) -> None:
    path = write(tmp_path / "m.onnx", body, "float[b,c] x", "float[b,c] y", {"top": np.float32(9)})
    counter = GraphCounter()
    counter.run_plain(load(path, LoadOptions()), lambda model: [model.run(floats(1, 2))])
    assert [condition.guides for condition in counter.missed] == guides
