"""Hard samples: unusual lengths of every dynamic axis, values of one sign, thresholds, missing and unknown values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from sklearn.base import BaseEstimator
from sklearn.compose import make_column_transformer
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, RobustScaler
from sklearn.tree import DecisionTreeClassifier

from paritygate.validate import validate
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.sklearn.estimator import load as load_estimator
from paritygate.validate.engines.torch.exported import load as load_program
from paritygate.validate.errors import ParityGateError
from paritygate.validate.samples import Sample, Samples, generate_samples, limited, run_and_keep
from paritygate.validate.samples.axes import layouts
from paritygate.validate.samples.edges import MOST_EDGES, edges
from paritygate.validate.signature import Hint, Signature, TensorSpec

Bounds = dict[str, tuple[int, int | None]]


def signature(*inputs: TensorSpec, bounds: Bounds | None = None) -> Signature:
    return Signature(inputs, (), bounds=bounds or {})


def spec(name: str, dtype: str, *shape: int | str) -> TensorSpec:
    return TensorSpec(name, dtype, shape)


# --- lengths -----------------------------------------------------------------------------------------------------

PICTURE = spec("x", "float32", "N", 3, "H", "W")
TOKENS = spec("ids", "int64", "N", "S")

EDGES: list[tuple[Signature, bool, dict[str, list[int]]]] = [
    # 1 and 5 are the usual batches (3 is the number of channels), 64 to 160 the usual lengths: odd ones are lacking
    (signature(PICTURE), True, {"batch": [2], "H": [1, 2, 65], "W": [1, 2, 97]}),
    # the user's batches are taken at their word; the first is the one at which other axes are tried
    (signature(PICTURE), False, {"H": [1, 2, 65], "W": [1, 2, 97]}),
    # lengths of tokens are odd anyway
    (signature(TOKENS), True, {"batch": [2], "S": [1, 2]}),
    # axes without a name are called by their place
    (signature(spec("ids", "int64", "?", "?")), True, {"batch": [2], "axis 1 of 2": [1, 2]}),
    # a derived axis follows the one that it is derived from
    (signature(TOKENS, spec("past", "float32", "N", 8, "S + 1", 4)), True, {"batch": [2], "S": [1, 2]}),
    # nothing beyond the bounds, and the bounds themselves
    (signature(PICTURE, bounds={"H": (32, 130)}), False, {"H": [32, 65, 130], "W": [1, 2, 97]}),
    (signature(PICTURE, bounds={"N": (2, 4)}), True, {"batch": [3], "H": [1, 2, 65], "W": [1, 2, 97]}),
    # but not a bound that would cost minutes
    (signature(TOKENS, bounds={"S": (1, 8192)}), True, {"batch": [2], "S": [1, 2]}),
    (signature(spec("x", "float32", 1, 3, 8, 8)), True, {}),
]


@pytest.mark.parametrize(("wanted", "batch", "expected"), EDGES, ids=str)
def test_every_dynamic_axis_takes_1_and_2_and_an_odd_length_and_its_bounds(
    wanted: Signature, batch: bool, expected: dict[str, list[int]]
) -> None:
    found: dict[str, list[int]] = {}
    for edge in edges(wanted, layouts(wanted, None if batch else (1, 5)), batch=batch):
        found.setdefault(edge.axis, []).append(edge.length)
    assert found == expected


def test_the_other_axes_keep_their_first_length() -> None:
    """A product of all lengths would be a matter of minutes, and axes that are tiny together prove less."""
    samples = generate_samples(signature(PICTURE))
    shapes = [item.feed["x"].shape for item in samples.items if item.kind == "lengths"]
    main = samples.items[0].feed["x"].shape
    assert all(sum(here != there for here, there in zip(shape, main, strict=True)) == 1 for shape in shapes)
    assert [item.label for item in samples.items if item.optional][:2] == ["lengths, batch at 2", "lengths, H at 1"]


def test_a_model_with_many_axes_is_not_tried_forever() -> None:
    samples = generate_samples(signature(*(spec(f"x{i}", "int64", "N", f"S{i}") for i in range(20))))
    assert sum(item.kind == "lengths" for item in samples.items) == MOST_EDGES
    assert any("too many are dynamic" in note for note in samples.notes)


@pytest.mark.parametrize(
    ("bounds", "lengths"), [((1, 64), {1, 2, 33, 64}), ((4, 5), {4, 5}), ((6, 6), {6}), ((224, 448), {224, 337, 448})]
)
def test_bounds_that_the_user_gives_are_tried_with_an_odd_length_between(
    bounds: tuple[int, int], lengths: set[int]
) -> None:
    chosen = limited(signature(spec("x", "float32", "N", "L", 4)), {}, {("x", 1): bounds})
    assert {layout["x"][1] for layout in chosen.layouts} == lengths


def test_a_program_of_torch_export_is_run_within_its_bounds() -> None:
    """Before its bounds were known, a program for up to 32 steps was fed 1024, and the run ended with PG406."""
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


# --- lengths that a reference refuses ------------------------------------------------------------------------------


def refuses_short(feeds: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    if any(feed["x"].shape[0] < 4 for feed in feeds):
        raise ParityGateError("PG406", "sample 0", "RuntimeError: too short\nand a long tale")
    return [{"y": feed["x"]} for feed in feeds]


def of_lengths(*lengths: int, optional: bool) -> tuple[Sample, ...]:
    return tuple(Sample(f"lengths, L at {n}", {"x": np.zeros(n)}, "lengths", optional=optional) for n in lengths)


def test_a_length_that_the_reference_refuses_is_left_out_and_said() -> None:
    samples = Samples((*of_lengths(8, optional=False), *of_lengths(1, 2, 5, optional=True)), "generated", 0, ("first",))
    kept, outputs = run_and_keep(samples, refuses_short)
    assert [item.label for item in kept.items] == ["lengths, L at 8", "lengths, L at 5"]
    assert [len(output["y"]) for output in outputs] == [8, 5]
    assert kept.notes[0] == "first"
    assert "allows L at 1 or L at 2" in kept.notes[1]
    assert kept.notes[1].endswith("RuntimeError: too short")


def test_a_sample_that_must_run_ends_the_run() -> None:
    with pytest.raises(ParityGateError, match="PG406"):
        run_and_keep(Samples(of_lengths(1, optional=False), "generated", 0), refuses_short)


def pooled(path: Path, *, ceil_mode: int) -> Path:
    """Averages of pairs along an axis of any length, from two inputs' halves put together: it must be even, or not."""
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
    """Rounding halves the other way shows at no even length, and generated lengths of such inputs are even."""
    right, wrong = (pooled(tmp_path / f"{mode}.onnx", ceil_mode=mode) for mode in (1, 0))
    report = validate(right, wrong, rtol=1e-4, atol=1e-6)
    assert not report.passed
    assert report.outputs[0].code == "PG102"
    assert not any("doesn't run" in finding.message for finding in report.findings)


def halved(path: Path) -> Path:
    """Blocks of two by two pixels become channels: no picture of an odd length can go through."""
    graph = helper.make_graph(
        [helper.make_node("SpaceToDepth", ["x"], ["y"], blocksize=2)],
        "halved",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 1, "H", 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 4, "K", 4])],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9), path)
    return path


def test_a_model_that_takes_even_lengths_only_still_gets_its_verdict(tmp_path: Path) -> None:
    model = halved(tmp_path / "halved.onnx")
    report = validate(model, model, rtol=1e-4, atol=1e-6)
    assert report.passed
    (note,) = [finding for finding in report.findings if "doesn't run there" in finding.message]
    assert "allows H at 1 or H at 65" in note.message


# --- signs -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hint", "signs"),
    [
        (None, {-1, 1}),
        ((-1.0, 1.0), {-1, 1}),
        ((-2.0, None), {-1, 1}),
        ((None, 3.0), {-1, 1}),
        ((0.0, 255.0), {1}),
        ((None, -4.0), {-1}),
    ],
)
def test_some_samples_are_of_one_sign_throughout(
    hint: tuple[float | None, float | None] | None, signs: set[int]
) -> None:
    """P15: a branch on the sign of a sum or of any element is baked in by a trace; both ways must be asked for."""
    hints = [Hint("x", *(None if end is None else np.array(end) for end in hint))] if hint else []
    samples = generate_samples(signature(spec("x", "float32", "N", 3, 16)), hints)
    usual = [item.feed["x"] for item in samples.items if item.kind in ("uniform", "positive", "negative")]
    assert {int(np.sign(array.mean())) for array in usual if (np.sign(array) == np.sign(array.mean())).all()} == signs


# --- what estimators must be asked ---------------------------------------------------------------------------------

RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=(80, 2))
HOLES = np.where(RNG.random((80, 2)) < 0.2, np.nan, NUMBERS)
LABELS = (NUMBERS[:, 0] > 0).astype(int)
WORDS = np.array([["red"], ["green"], ["blue"]] * 8, dtype=object)
MIXED = np.array([["red", 1.5], ["green", np.nan], ["blue", 2.5]] * 30, dtype=object)
MIXED_LABELS = [0, 1, 1] * 30

ASKED: list[tuple[str, Any, Any, Any, set[str]]] = [
    ("one-hot", OneHotEncoder(handle_unknown="ignore"), WORDS, None, {"empty", "unknown word"}),
    (
        "ordinal",
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
        WORDS,
        None,
        {"empty", "unknown word"},
    ),
    ("ordinal, strict", OrdinalEncoder(), WORDS, None, set()),
    ("numbers as categories", OneHotEncoder(handle_unknown="ignore"), [[1.0], [2.0], [4.0]], None, {"1.5", "5.0"}),
    ("words counted", CountVectorizer(), ["a red cat", "green dogs", "the cat"], None, {"empty", "unknown word"}),
    ("imputer", SimpleImputer(), HOLES, None, {"NaN", "0.0"}),
    ("imputer, then scores", make_pipeline(SimpleImputer(), LogisticRegression()), HOLES, LABELS, {"NaN", "0.0"}),
    ("tree", DecisionTreeClassifier(), HOLES, LABELS, {"NaN", "0.0"}),
    ("gradient boosting", GradientBoostingClassifier(n_estimators=3), NUMBERS, LABELS, {"0.0"}),
    ("histograms", HistGradientBoostingClassifier(max_iter=3), HOLES, LABELS, {"NaN", "0.0"}),
    (
        "histograms behind a scaler",
        make_pipeline(RobustScaler(), HistGradientBoostingClassifier(max_iter=3)),
        HOLES,
        LABELS,
        {"NaN", "0.0"},
    ),
    (
        "columns that pass through",
        make_pipeline(
            make_column_transformer((OneHotEncoder(handle_unknown="ignore"), [0]), remainder="passthrough"),
            HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=2),
        ),
        MIXED,
        MIXED_LABELS,
        {"empty", "unknown word", "NaN", "0.0"},
    ),
]


def met(samples: Samples) -> set[str]:
    """What the samples hold that a converter may have forgotten."""
    arrays = [array.ravel() for feed in samples.feeds for array in feed.values()]
    words = {str(value) for array in arrays if array.dtype.kind == "U" for value in array}
    numbers = {float(value) for array in arrays if array.dtype.kind == "f" for value in array}
    found = {str(number) for number in numbers} - {"nan"}
    found |= {"NaN"} if any(number != number for number in numbers) else set()
    return found | ({"empty"} if "" in words else set()) | ({"unknown word"} if "no such category" in words else set())


@pytest.mark.parametrize(
    ("estimator", "rows", "labels", "wanted"), [case[1:] for case in ASKED], ids=[c[0] for c in ASKED]
)
def test_estimators_are_asked_what_they_claim_to_take(
    estimator: BaseEstimator, rows: Any, labels: Any, wanted: set[str]
) -> None:
    """P2, P6, P7: missing, unknown and empty values, and an exact zero."""
    model = load_estimator(estimator.fit(rows, labels), LoadOptions())
    samples = generate_samples(model.signature, model.hints())
    found = met(samples)
    assert wanted <= found
    assert ("NaN" in found) == ("NaN" in wanted)
    assert ("unknown word" in found) == ("unknown word" in wanted)
    for feed in samples.feeds:
        model.run(feed)  # it takes them indeed


@pytest.mark.parametrize("zero_as_missing", [False, True])
def test_a_zero_that_lightgbm_takes_for_missing_is_among_the_samples(zero_as_missing: bool) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    booster = lightgbm.LGBMClassifier(n_estimators=3, verbose=-1, zero_as_missing=zero_as_missing)
    both = (NUMBERS[:, 0] * NUMBERS[:, 1] > 0).astype(int)  # so that trees ask for either feature
    model = load_estimator(booster.fit(NUMBERS, both), LoadOptions())
    samples = generate_samples(model.signature, model.hints())
    (rows,) = [item.feed["X"] for item in samples.items if item.kind == "thresholds"]
    assert (rows == 0).any(axis=0).all()  # between others, in every feature: not only a row of nothing but zeros
    assert {"NaN", "0.0"} <= met(samples)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_each_threshold_of_a_tree_is_met_with_both_of_its_neighbours(dtype: str) -> None:
    """P1: the number itself and the next ones in the width that the model is fed."""
    tree = DecisionTreeClassifier(random_state=0).fit(NUMBERS, RNG.integers(0, 3, 80))
    model = load_estimator(tree, LoadOptions(dtype=dtype))
    samples = generate_samples(model.signature, model.hints())
    (rows,) = [item.feed["X"] for item in samples.items if item.kind == "thresholds"]
    assert rows.dtype == dtype
    inside = tree.tree_.feature >= 0
    assert inside.sum() > 20
    for feature, threshold in zip(tree.tree_.feature[inside], tree.tree_.threshold[inside], strict=True):
        at = np.dtype(dtype).type(threshold)
        assert {np.nextafter(at, -np.inf, dtype=dtype), at, np.nextafter(at, np.inf, dtype=dtype)} <= set(
            rows[:, feature]
        )
