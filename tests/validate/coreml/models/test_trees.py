"""Tree ensembles against scikit-learn and numpy."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from model_specs import (
    X,
    Y,
    add_tree,
    assert_classifies,
    assert_regresses,
    classifier,
    regressor,
    session,
    single,
)
from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier

from paritygate.validate.errors import ParityGateError


def test_random_forest():
    with_gaps = np.where(np.random.default_rng(0).random(X.shape) < 0.1, np.nan, X)
    forest = RandomForestClassifier(12, random_state=0).fit(with_gaps, Y)
    spec = classifier(X.shape[1])
    trees = spec.treeEnsembleClassifier
    trees.treeEnsemble.numPredictionDimensions = 3
    trees.int64ClassLabels.vector.extend([0, 1, 2])
    for number, tree in enumerate(forest.estimators_):
        add_tree(trees.treeEnsemble, number, tree.tree_, tree.tree_.value[:, 0] / 12)
    assert_classifies(spec, single(with_gaps[::9]), forest.predict_proba(with_gaps[::9]))


def test_boosted_trees_are_summed_in_double():
    x, y = load_diabetes(return_X_y=True)
    boosted = GradientBoostingRegressor(n_estimators=30, random_state=0).fit(x, y)
    spec = regressor(x.shape[1])
    trees = spec.treeEnsembleRegressor.treeEnsemble
    trees.numPredictionDimensions = 1
    trees.basePredictionValue.append(float(boosted.init_.constant_.item()))
    for number, tree in enumerate(boosted.estimators_[:, 0]):
        add_tree(trees, number, tree.tree_, tree.tree_.value[:, 0] * boosted.learning_rate)
    assert_regresses(spec, single(x[::40]), boosted.predict(x[::40]))


COMPARE = [np.less_equal, np.less, np.greater_equal, np.greater, np.equal, np.not_equal]


@pytest.mark.parametrize(("behaviour", "missing"), list(product(range(6), [False, True])))
def test_every_comparison_of_a_tree(behaviour: int, missing: bool):
    spec = regressor(1)
    trees = spec.treeEnsembleRegressor.treeEnsemble
    trees.nodes.add(nodeId=7, nodeBehavior=behaviour, branchFeatureValue=0.5, trueChildNodeId=1, falseChildNodeId=2,
                    missingValueTracksTrueChild=missing)  # fmt: skip
    # The other comparisons are deeper in the tree, so that nodes have different ones.
    trees.nodes.add(nodeId=1, nodeBehavior=(behaviour + 1) % 6, branchFeatureValue=1e9, trueChildNodeId=3,
                    falseChildNodeId=3)  # fmt: skip
    for number, value in ((2, 20.0), (3, 10.0)):
        trees.nodes.add(nodeId=number, nodeBehavior=6).evaluationInfo.add(evaluationValue=value)
    rows = np.array([[0.0], [0.5], [1.0], [np.nan], [np.inf]])
    holds = np.where(np.isnan(rows[:, 0]), missing, COMPARE[behaviour](rows[:, 0], 0.5))
    assert_regresses(spec, rows, np.where(holds, 10.0, 20.0))


@pytest.mark.parametrize(
    ("transform", "leaf", "wanted"),
    [
        (0, [0.2, 0.8], [0.2, 0.8]),
        (0, [0.3], [0.7, 0.3]),
        (1, [1.0, 3.0], np.exp([1, 3]) / np.exp([1, 3]).sum()),
        (2, [-40.0], [1.0, 1 / (1 + np.exp(40.0))]),
        (3, [2.0], [1 / (1 + np.exp(2.0)), np.exp(2.0) / (1 + np.exp(2.0))]),
    ],
)
def test_transforms_of_trees(transform: int, leaf: list[float], wanted: Any):
    spec = classifier(1)
    body = spec.treeEnsembleClassifier
    body.int64ClassLabels.vector.extend([0, 1])
    body.postEvaluationTransform = transform
    body.treeEnsemble.numPredictionDimensions = len(leaf)
    node = body.treeEnsemble.nodes.add(nodeBehavior=6)
    for i, value in enumerate(leaf):
        node.evaluationInfo.add(evaluationIndex=i, evaluationValue=value)
    assert_classifies(spec, np.zeros((1, 1)), [np.asarray(wanted)], atol=1e-20 if transform == 2 else 1e-12)


@pytest.mark.parametrize(
    ("nodes", "cause"),
    [
        ([], "no nodes"),
        ([(0, 0, 1, 2)], "a child that doesn't exist"),
        ([(0, 0, 1, 1), (1, 0, 0, 0)], "form a cycle"),
        ([(0, 6, 0, 0), (1, 0, 2, 2), (2, 0, 1, 1)], "form a cycle"),
        ([(0, 6, 0, 0), (0, 6, 0, 0)], "the same number"),
        ([(0, 9, 0, 0)], "unknown|doesn't exist|cycle"),
    ],
)
def test_malformed_trees(nodes: list[tuple[int, int, int, int]], cause: str):
    spec = regressor(1)
    spec.treeEnsembleRegressor.SetInParent()
    for number, behaviour, yes, no in nodes:
        spec.treeEnsembleRegressor.treeEnsemble.nodes.add(
            nodeId=number, nodeBehavior=behaviour, trueChildNodeId=yes, falseChildNodeId=no
        )
    with pytest.raises(ParityGateError, match=cause):
        session(spec)
