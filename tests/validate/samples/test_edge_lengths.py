"""Unusual lengths of every dynamic axis, and lengths that the reference refuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from sample_helpers import spec

from paritygate.validate import validate
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.torch.exported import load as load_program
from paritygate.validate.errors import ParityGateError
from paritygate.validate.samples import Sample, SampleKind, Samples, generate_samples, limited, run_and_keep
from paritygate.validate.samples.axes import layouts
from paritygate.validate.samples.edge_lengths import MOST_EDGES, edge_lengths
from paritygate.validate.signature import Signature, TensorSpec

Bounds = dict[str, tuple[int, int | None]]


def bounded(*inputs: TensorSpec, bounds: Bounds | None = None) -> Signature:
    return Signature(inputs, (), bounds=bounds or {})


IMAGE = spec("x", "float32", "N", 3, "H", "W")
TOKENS = spec("ids", "int64", "N", "S")

EDGES: list[tuple[Signature, bool, dict[str, list[int]]]] = [
    # 1 and 5 are the usual batches (3 is the number of channels), 64 to 160 the usual lengths: odd ones are missing
    (bounded(IMAGE), True, {"batch": [2], "H": [1, 2, 65], "W": [1, 2, 97]}),
    # the user's batches are used as they are; other axes are tried at the first
    (bounded(IMAGE), False, {"H": [1, 2, 65], "W": [1, 2, 97]}),
    # usual lengths of tokens are odd
    (bounded(TOKENS), True, {"batch": [2], "S": [1, 2]}),
    # unnamed axes are named by their position
    (bounded(spec("ids", "int64", "?", "?")), True, {"batch": [2], "axis 1 of 2": [1, 2]}),
    # a derived axis follows its source
    (bounded(TOKENS, spec("past", "float32", "N", 8, "S + 1", 4)), True, {"batch": [2], "S": [1, 2]}),
    # nothing beyond the bounds, and the bounds themselves
    (bounded(IMAGE, bounds={"H": (32, 130)}), False, {"H": [32, 65, 130], "W": [1, 2, 97]}),
    (bounded(IMAGE, bounds={"N": (2, 4)}), True, {"batch": [3], "H": [1, 2, 65], "W": [1, 2, 97]}),
    # but not a bound that would cost minutes
    (bounded(TOKENS, bounds={"S": (1, 8192)}), True, {"batch": [2], "S": [1, 2]}),
    (bounded(spec("x", "float32", 1, 3, 8, 8)), True, {}),
]


@pytest.mark.parametrize(("wanted", "batch", "expected"), EDGES, ids=str)
def test_every_dynamic_axis_takes_1_and_2_and_an_odd_length_and_its_bounds(
    wanted: Signature, batch: bool, expected: dict[str, list[int]]
) -> None:
    found: dict[str, list[int]] = {}
    for edge in edge_lengths(wanted, layouts(wanted, None if batch else (1, 5)), batch=batch):
        found.setdefault(edge.axis, []).append(edge.length)
    assert found == expected


def test_the_other_axes_keep_their_first_length() -> None:
    """All combinations of lengths would take minutes, and several tiny axes together prove less."""
    samples = generate_samples(bounded(IMAGE))
    shapes = [item.feed["x"].shape for item in samples.items if item.kind == "lengths"]
    main = samples.items[0].feed["x"].shape
    assert all(sum(here != there for here, there in zip(shape, main, strict=True)) == 1 for shape in shapes)
    assert [item.label for item in samples.items if item.optional][:2] == ["lengths, batch at 2", "lengths, H at 1"]


def test_the_number_of_edge_lengths_is_limited() -> None:
    samples = generate_samples(bounded(*(spec(f"x{i}", "int64", "N", f"S{i}") for i in range(20))))
    assert sum(item.kind == "lengths" for item in samples.items) == MOST_EDGES
    assert any("too many are dynamic" in note for note in samples.notes)


@pytest.mark.parametrize(
    ("bounds", "lengths"), [((1, 64), {1, 2, 33, 64}), ((4, 5), {4, 5}), ((6, 6), {6}), ((224, 448), {224, 337, 448})]
)
def test_bounds_that_the_user_gives_are_tried_with_an_odd_length_between(
    bounds: tuple[int, int], lengths: set[int]
) -> None:
    chosen = limited(bounded(spec("x", "float32", "N", "L", 4)), {}, {("x", 1): bounds})
    assert {layout["x"][1] for layout in chosen.layouts} == lengths


def test_an_exported_program_is_run_within_its_bounds() -> None:
    """A program for up to 32 steps fails on the usual 1024."""
    import torch

    steps = torch.export.Dim("steps", min=4, max=32)
    program = torch.export.export(
        torch.nn.Linear(4, 2), (torch.zeros(1, 8, 4),), dynamic_shapes=({1: steps},)
    )  # fmt: skip
    model = load_program(program, LoadOptions())
    samples = generate_samples(model.signature)
    lengths = {item.feed["input"].shape[1] for item in samples.items}
    assert {4, 32} < lengths <= set(range(4, 33))
    for item in samples.items:
        model.run(item.feed)


# --- lengths that the reference refuses ------------------------------------------------------------------------------


def refuses_short(feeds: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    if any(feed["x"].shape[0] < 4 for feed in feeds):
        raise ParityGateError("PG406", "sample 0", "RuntimeError: too short\nand a long traceback")
    return [{"y": feed["x"]} for feed in feeds]


def of_lengths(*lengths: int, optional: bool) -> tuple[Sample, ...]:
    return tuple(Sample(f"lengths, L at {n}", {"x": np.zeros(n)}, "lengths", optional=optional) for n in lengths)


def test_a_length_that_the_reference_refuses_is_left_out_with_a_note() -> None:
    samples = Samples((*of_lengths(8, optional=False), *of_lengths(1, 2, 5, optional=True)), "generated", 0, ("first",))
    kept, outputs = run_and_keep(samples, refuses_short)
    assert [item.label for item in kept.items] == ["lengths, L at 8", "lengths, L at 5"]
    assert [len(output["y"]) for output in outputs] == [8, 5]
    assert kept.notes[0] == "first"
    assert "allows L at 1 or L at 2" in kept.notes[1]
    assert kept.notes[1].endswith("RuntimeError: too short")


def test_a_required_sample_that_fails_ends_the_run() -> None:
    with pytest.raises(ParityGateError, match="PG406"):
        run_and_keep(Samples(of_lengths(1, optional=False), "generated", 0), refuses_short)


# --- rows that the reference refuses ---------------------------------------------------------------------------------


def refuses_negative(feeds: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    if any((feed["x"] < 0).any() for feed in feeds):
        raise ParityGateError("PG406", "LogisticRegression", "ValueError: Input X contains NaN.\nand more")
    return [{"y": feed["x"]} for feed in feeds]


def of_rows(*rows: float) -> Sample:
    return Sample(f"normal, batch {len(rows)}", {"x": np.array(rows)[:, None]}, SampleKind.NORMAL, len(rows))


def test_generated_rows_that_the_reference_refuses_are_left_out_and_it_is_said() -> None:
    given = Samples((of_rows(1, -1, 2, 3, -2), of_rows(4), of_rows(-1, -2)), "generated", 0)
    kept, outputs = run_and_keep(given, refuses_negative, by_rows=True)
    assert [item.feed["x"].ravel().tolist() for item in kept.items] == [[1, 2, 3], [4]]
    assert [item.batch for item in kept.items] == [3, 1]
    assert [output["y"].ravel().tolist() for output in outputs] == [[1, 2, 3], [4]]
    assert "refuses 4 of 8 generated rows; left out: ValueError: Input X contains NaN.." in kept.notes[0]
    assert "--range" in kept.notes[0]


@pytest.mark.parametrize(
    ("samples", "by_rows", "remedy"),
    [
        (Samples((of_rows(-1), of_rows(-2, -3)), "generated", 0), True, "--range"),
        (Samples((of_rows(1, -1),), "generated", 0), False, "--range"),
        (Samples((of_rows(1, -1),), "rows.csv", None), True, ""),
    ],
    ids=["no row is left", "rows depend on each other", "the user's own"],
)
def test_other_refusals_end_the_run(samples: Samples, by_rows: bool, remedy: str) -> None:
    with pytest.raises(ParityGateError, match="contains NaN") as caught:
        run_and_keep(samples, refuses_negative, by_rows=by_rows)
    assert (remedy in caught.value.remedy) if remedy else not caught.value.remedy


def pooled(path: Path, *, ceil_mode: int) -> Path:
    """Averages of pairs along an axis of any length; ``ceil_mode`` decides what happens at odd lengths."""
    node = helper.make_node("AveragePool", ["x"], ["y"], kernel_shape=[2], strides=[2], ceil_mode=ceil_mode)
    graph = helper.make_graph(
        [node],
        "pooled",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 4, "L"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 4, "M"])],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9), path)
    return path


def test_a_fault_at_odd_lengths_is_found(tmp_path: Path) -> None:
    """Another rounding of halves shows only at odd lengths, and the usual lengths of such inputs are even."""
    right, wrong = (pooled(tmp_path / f"{mode}.onnx", ceil_mode=mode) for mode in (1, 0))
    report = validate(right, wrong, rtol=1e-4, atol=1e-6)
    assert not report.passed
    assert report.outputs[0].code == "PG102"
    assert not any("doesn't run" in finding.message for finding in report.findings)


def halved(path: Path) -> Path:
    """Blocks of two by two pixels become channels: images of odd height can't be processed."""
    graph = helper.make_graph(
        [helper.make_node("SpaceToDepth", ["x"], ["y"], blocksize=2)],
        "halved",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 1, "H", 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 4, "K", 4])],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9), path)
    return path


def test_a_model_for_even_lengths_only_gets_a_verdict(tmp_path: Path) -> None:
    model = halved(tmp_path / "halved.onnx")
    report = validate(model, model, rtol=1e-4, atol=1e-6)
    assert report.passed
    (note,) = [finding for finding in report.findings if "the reference fails there" in finding.message]
    assert "allows H at 1 or H at 65" in note.message


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        (lambda x: np.nan_to_num(x).sum(1, keepdims=True), True),  # NaN counts as 0: the others still tell
        (
            lambda x: np.full((len(x), 1), 0.25, np.float32),
            False,
        ),  # as TensorFlow's fused ReLU: nothing is left of a row
        (lambda x: x.sum(1, keepdims=True), False),  # NaN alone
    ],
)
def test_an_answer_to_nan_that_is_the_same_for_every_row_says_nothing(answer, kept) -> None:
    rows = np.arange(12, dtype=np.float32).reshape(4, 3)
    rows[np.arange(3), np.arange(3)] = np.nan
    rows[3, 0] = np.nan
    sample = Sample("NaN in each feature", {"x": rows}, SampleKind.SPECIAL, 4, optional=True)
    found, _ = run_and_keep(Samples((sample,), "generated", 0), lambda feeds: [{"y": answer(f["x"])} for f in feeds])
    assert bool(found.items) == kept
