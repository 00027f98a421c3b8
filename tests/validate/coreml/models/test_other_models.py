"""Recommender, Bayesian probit regression and non-maximum suppression against numpy."""

from __future__ import annotations

import numpy as np
import pytest
from model_specs import (
    model,
    session,
)
from scipy.stats import norm


def test_the_recommender_scores_by_similarity():
    spec = model({"items": "text->", "count": "int64"}, {"scores": "text->"})
    body = spec.itemSimilarityRecommender
    body.itemStringIds.vector.extend("abcd")
    similar = np.array([[0, 0.5, 0, 0.2], [0.5, 0, 0.3, 0], [0, 0.3, 0, 0.9], [0.2, 0, 0.9, 0]])
    shift = np.array([0.0, 0.1, 0.2, 0.3])
    for i in range(4):
        row = body.itemItemSimilarities.add(itemId=i, itemScoreAdjustment=shift[i])
        for k in np.flatnonzero(similar[:, i]):
            row.similarItemList.add(itemId=k, similarityScore=similar[k, i])
    body.itemInputFeatureName, body.numRecommendationsInputFeatureName = "items", "count"
    body.recommendedItemScoreOutputFeatureName = "scores"
    got = session(spec).predict({"items": {"a": 2.0, "c": 1.0}, "count": 2})["scores"]
    wanted = {
        k: sum(similar["abcd".index(k), i] * (s - shift["abcd".index(k)]) for i, s in ((0, 2.0), (2, 1.0)))
        for k in "bd"
    }
    assert list(got) == sorted(wanted, key=wanted.__getitem__, reverse=True)
    assert got == pytest.approx(wanted)


def test_bayesian_probit_regression():
    spec = model(
        {"x": 2, "optimism": "double"}, {"p": "double", "mean": "double", "variance": "double", "low": "double"}
    )
    spec.description.predictedFeatureName = "p"
    body = spec.bayesianProbitRegressor
    body.numberOfFeatures = 2
    body.bias.mean, body.bias.precision = 0.1, 4.0
    for i, means in enumerate([[0.5, -0.5], [1.0, 2.0]]):
        feature = body.features.add(featureId=i)
        for value, mean in enumerate(means):
            weight = feature.weights.add(featureValue=value).featureWeight
            weight.mean, weight.precision = mean, 2.0
    body.regressionInputFeatureName, body.optimismInputFeatureName = "x", "optimism"
    body.meanOutputFeatureName, body.varianceOutputFeatureName = "mean", "variance"
    body.pessimisticProbabilityOutputFeatureName = "low"
    got = session(spec).predict({"x": np.array([1.0, 0.0]), "optimism": -1.0})
    mean, variance = 0.1 - 0.5 + 1.0, 0.25 + 0.5 + 0.5
    spread = np.sqrt(1 + variance)
    wanted = {"p": norm.cdf(mean / spread), "mean": mean, "variance": variance,
              "low": norm.cdf((mean - np.sqrt(variance)) / spread)}  # fmt: skip
    assert got == pytest.approx(wanted, abs=1e-7)  # float32's erf


BOXES = np.array([[0.5, 0.5, 0.4, 0.4], [0.52, 0.5, 0.4, 0.4], [0.1, 0.1, 0.1, 0.1], [0.9, 0.9, 0.1, 0.1]])

SCORES = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.6], [0.05, 0.1]])


@pytest.mark.parametrize(
    ("per_class", "least", "kept"),
    [(False, 0.25, [0, 2]), (True, 0.25, [0, 1, 2]), (False, 0.05, [0, 2, 3]), (False, 0.95, [])],
)
def test_non_maximum_suppression(per_class: bool, least: float, kept: list[int]):
    spec = model({"scores": 0, "boxes": 0}, {"best": 0, "where": 0})
    for description, width in zip(spec.description.input, (2, 4), strict=True):
        description.type.multiArrayType.shape.extend([4, width])
    body = spec.nonMaximumSuppression
    body.pickTop.perClass, body.iouThreshold, body.confidenceThreshold = per_class, 0.5, least
    body.confidenceInputFeatureName, body.coordinatesInputFeatureName = "scores", "boxes"
    body.confidenceOutputFeatureName, body.coordinatesOutputFeatureName = "best", "where"
    got = session(spec).predict({"scores": SCORES, "boxes": BOXES})
    np.testing.assert_allclose(got["best"], SCORES[kept], rtol=1e-6)
    np.testing.assert_allclose(got["where"], BOXES[kept], rtol=1e-6)
