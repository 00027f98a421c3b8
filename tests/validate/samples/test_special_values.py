"""Values of one sign, thresholds, missing and unknown values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sample_helpers import signature, spec
from sklearn.base import BaseEstimator
from sklearn.compose import make_column_transformer
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, RobustScaler
from sklearn.tree import DecisionTreeClassifier

from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.sklearn.estimator import load as load_estimator
from paritygate.validate.samples import Samples, generate_samples
from paritygate.validate.signature import Hint


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
def test_some_samples_have_one_sign_throughout(hint: tuple[float | None, float | None] | None, signs: set[int]) -> None:
    """P15: a trace keeps one branch on the sign of a sum or of any element; both must be tried."""
    hints = [Hint("x", *(None if end is None else np.array(end) for end in hint))] if hint else []
    samples = generate_samples(signature(spec("x", "float32", "N", 3, 16)), hints)
    usual = [item.feed["x"] for item in samples.items if item.kind in ("uniform", "positive", "negative")]
    assert {int(np.sign(array.mean())) for array in usual if (np.sign(array) == np.sign(array.mean())).all()} == signs


# --- what estimators claim to accept ---------------------------------------------------------------------------------


RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=(80, 2))
WITH_GAPS = np.where(RNG.random((80, 2)) < 0.2, np.nan, NUMBERS)
LABELS = (NUMBERS[:, 0] > 0).astype(int)
WORDS = np.array([["red"], ["green"], ["blue"]] * 8, dtype=object)
MIXED = np.array([["red", 1.5], ["green", np.nan], ["blue", 2.5]] * 30, dtype=object)
MIXED_LABELS = [0, 1, 1] * 30

ACCEPTED: list[tuple[str, Any, Any, Any, set[str]]] = [
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
    ("imputer", SimpleImputer(), WITH_GAPS, None, {"NaN", "0.0"}),
    ("imputer, then scores", make_pipeline(SimpleImputer(), LogisticRegression()), WITH_GAPS, LABELS, {"NaN", "0.0"}),
    ("tree", DecisionTreeClassifier(), WITH_GAPS, LABELS, {"NaN", "0.0"}),
    ("gradient boosting", GradientBoostingClassifier(n_estimators=3), NUMBERS, LABELS, {"0.0"}),
    ("histograms", HistGradientBoostingClassifier(max_iter=3), WITH_GAPS, LABELS, {"NaN", "0.0"}),
    (
        "histograms behind a scaler",
        make_pipeline(RobustScaler(), HistGradientBoostingClassifier(max_iter=3)),
        WITH_GAPS,
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


def special_values(samples: Samples) -> set[str]:
    """The special values in the samples that a converter may not handle."""
    arrays = [array.ravel() for feed in samples.feeds for array in feed.values()]
    words = {str(value) for array in arrays if array.dtype.kind == "U" for value in array}
    numbers = {float(value) for array in arrays if array.dtype.kind == "f" for value in array}
    found = {str(number) for number in numbers} - {"nan"}
    found |= {"NaN"} if any(number != number for number in numbers) else set()
    return found | ({"empty"} if "" in words else set()) | ({"unknown word"} if "no such category" in words else set())


@pytest.mark.parametrize(
    ("estimator", "rows", "labels", "wanted"), [case[1:] for case in ACCEPTED], ids=[c[0] for c in ACCEPTED]
)
def test_estimators_are_fed_what_they_claim_to_accept(
    estimator: BaseEstimator, rows: Any, labels: Any, wanted: set[str]
) -> None:
    """P2, P6, P7: missing, unknown and empty values, and an exact zero."""
    model = load_estimator(estimator.fit(rows, labels), LoadOptions())
    samples = generate_samples(model.signature, model.hints())
    found = special_values(samples)
    assert wanted <= found
    assert ("NaN" in found) == ("NaN" in wanted)
    assert ("unknown word" in found) == ("unknown word" in wanted)
    for feed in samples.feeds:
        model.run(feed)  # it does accept them


@pytest.mark.parametrize("zero_as_missing", [False, True])
def test_a_zero_that_lightgbm_treats_as_missing_is_among_the_samples(zero_as_missing: bool) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    booster = lightgbm.LGBMClassifier(n_estimators=3, verbose=-1, zero_as_missing=zero_as_missing)
    both = (NUMBERS[:, 0] * NUMBERS[:, 1] > 0).astype(int)  # so that the trees use both features
    model = load_estimator(booster.fit(NUMBERS, both), LoadOptions())
    samples = generate_samples(model.signature, model.hints())
    (rows,) = [item.feed["X"] for item in samples.items if item.kind == "thresholds"]
    assert (rows == 0).any(axis=0).all()  # in every feature, not only in the sample of zeros
    assert {"NaN", "0.0"} <= special_values(samples)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_each_threshold_of_a_tree_is_sampled_with_both_of_its_neighbours(dtype: str) -> None:
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
