"""What samples have to do with trees: rows that reach leaves, the reference's own distance from exact sums, reports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from jsonschema import Draft202012Validator
from onnx import numpy_helper

from paritygate.convert import convert
from paritygate.validate import validate
from paritygate.validate.report.render.json import render_report
from paritygate.validate.report.report import Report
from paritygate.validate.trees.aim import rows_for_leaves
from paritygate.validate.trees.drift import drift_of
from paritygate.validate.trees.ensemble import Ensemble, exact_sums, leaves_reached
from paritygate.validate.trees.readers.estimators import read_estimator
from paritygate.validate.trees.readers.links import Link
from paritygate.validate.trees.tree import SplitTest, Tree

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "report.schema.json").read_text())
ROWS = np.random.default_rng(0).standard_normal((400, 6))
NUMBERS = 100 * ROWS[:, 0] + ROWS[:, 1] ** 3


def forest(trees: int = 10) -> Any:
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(trees, random_state=0).fit(ROWS, NUMBERS)


def reached(ensemble: Ensemble, rows: np.ndarray) -> int:
    return sum(len(np.unique(nodes)) for nodes in leaves_reached(ensemble, rows))


def test_rows_are_aimed_at_leaves() -> None:
    """A few rows of one kind reach few leaves; those that are made reach most of the others."""
    ensemble = read_estimator(forest(3)).ensembles[0]
    rows = np.zeros((5, 6), np.float32)
    made = rows_for_leaves([ensemble], rows, most=2000)
    leaves = sum(int((tree.left < 0).sum()) for tree in ensemble.trees)
    assert reached(ensemble, rows) == 3
    assert made.dtype == np.float32
    assert reached(ensemble, made) > 0.95 * leaves


def test_rows_are_bounded() -> None:
    ensemble = read_estimator(forest(3)).ensembles[0]
    assert len(rows_for_leaves([ensemble], np.zeros((5, 6), np.float32), most=7)) == 7


def test_a_leaf_that_nothing_reaches_is_passed_over() -> None:
    """x <= 1, then x <= 2 on the left: the right of the second is empty."""
    none = [-1] * 3
    tree = Tree(
        np.array([0, 0, 0, 0, 0]), np.array([1.0, 2.0, 0, 0, 0]), np.array([1, 2, *none]), np.array([4, 3, *none]),
        np.zeros(5, bool), np.arange(5.0).reshape(-1, 1),
    )  # fmt: skip
    made = rows_for_leaves([Ensemble((tree,), missing=False)], np.zeros((1, 1), np.float32))
    assert made.tolist() == [[float(np.nextafter(np.float32(1), np.float32(2)))]]


def stagnating(count: int = 2000) -> Ensemble:
    """A base of 1000, and trees that each give less than half a unit of its last place."""
    small = tuple(Tree.constant([2e-5]) for _ in range(count))
    return Ensemble((Tree.constant([1000.0]), *small), test=SplitTest.BELOW, link=Link.IDENTITY)


def test_the_drift_of_a_float32_sum_is_measured() -> None:
    total = np.float32(1000.0)
    for _ in range(2000):
        total += np.float32(2e-5)
    ensemble, x = stagnating(), np.zeros((1, 1), np.float32)
    assert exact_sums(ensemble, x)[0, 0] == pytest.approx(1000.04, rel=1e-12)
    assert total == 1000.0
    assert drift_of(ensemble, x, {"y": np.array([total])})["y"] == pytest.approx([0.04])


def test_what_rounding_does_not_explain_is_no_drift() -> None:
    drift = drift_of(stagnating(), np.zeros((1, 1), np.float32), {"y": np.array([1010.0], np.float32)})
    assert drift["y"].tolist() == [0.0]


def test_an_output_of_another_form_has_no_drift() -> None:
    outputs = {"y": np.zeros((1, 3), np.float32), "label": np.zeros(1, np.int64)}
    assert drift_of(stagnating(), np.zeros((1, 1), np.float32), outputs) == {}


def changed_leaf(source: Path, destination: Path) -> None:
    """Add 100 to the last leaf."""
    model = onnx.load(source)
    node = next(node for node in model.graph.node if node.op_type == "TreeEnsembleRegressor")
    weights = next(a for a in node.attribute if a.name == "target_weights_as_tensor").t
    values = numpy_helper.to_array(weights).copy()
    values[-1] += 100.0
    weights.CopyFrom(numpy_helper.from_array(values, weights.name))
    onnx.save(model, destination)


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Report]:
    """A right conversion, and one with a leaf that none of the user's samples reaches."""
    folder = tmp_path_factory.mktemp("trees")
    model = forest()
    done = convert(model, folder / "right.onnx", localise=False)
    changed_leaf(folder / "right.onnx", folder / "wrong.onnx")
    tree = read_estimator(model).ensembles[0].trees[-1]
    last = int(np.flatnonzero(tree.left < 0)[-1])
    ends = list(leaves_reached(read_estimator(model).ensembles[0], ROWS))[-1]
    np.savez(folder / "samples.npz", X=ROWS[ends != last].astype(np.float32))
    failed = validate(model, folder / "wrong.onnx", samples=folder / "samples.npz", localise=False)
    return {"right": done.report, "wrong": failed}


def test_a_right_conversion_is_proved(reports: dict[str, Report]) -> None:
    proof = reports["right"].trees
    assert proof is not None
    assert reports["right"].passed
    assert (proof.proved, proof.trees, proof.whole) == (10, 10, True)
    assert proof.reached is not None
    assert proof.reached > 0.9 * proof.leaves
    assert "leaves" in reports["right"].samples.kinds


def test_a_leaf_that_no_sample_reaches_fails(reports: dict[str, Report]) -> None:
    """The values agree on all samples; the proof alone speaks against the candidate."""
    report = reports["wrong"]
    assert all(output.passed for output in report.outputs)
    assert [finding.code for finding in report.findings if finding.severity == "error"] == ["PG115"]
    assert report.exit_code == 1
    assert "tree 9 of TreeEnsembleRegressor" in str(report)
    assert "trees: 9 of 10 proved equal" in str(report)


@pytest.mark.parametrize("name", ["right", "wrong"])
def test_the_proof_meets_the_schema(name: str, reports: dict[str, Report]) -> None:
    Draft202012Validator(SCHEMA).validate(json.loads(render_report("validate", reports[name])))
