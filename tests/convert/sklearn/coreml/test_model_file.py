"""The written file, its labels, and the comparison that these tests rest on."""

from __future__ import annotations

from pathlib import Path

import pytest
from native_parity import IN_DOUBLE, assert_agrees
from sklearn.ensemble import (
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    StandardScaler,
)
from sklearn.svm import LinearSVC
from sklearn_data import CANCER, WINE

from paritygate.convert.routes.base import RouteOptions
from paritygate.convert.routes.sklearn.coreml.route import convert
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.coreml import lowered as coreml
from paritygate.validate.engines.sklearn.estimator import load


def test_a_wrong_model_does_not_pass(tmp_path: Path):
    """The comparison itself: the file of another forest fails."""
    forest = RandomForestClassifier(5, random_state=0).fit(*WINE)
    other = RandomForestClassifier(5, random_state=1).fit(*WINE)
    other.predict, other.predict_proba = forest.predict, forest.predict_proba
    with pytest.raises(AssertionError):
        assert_agrees(other, WINE[0][::9], tmp_path)


def test_the_file_says_what_it_is(tmp_path: Path):
    import sklearn

    model = load(KNeighborsClassifier().fit(*WINE), LoadOptions())
    candidate = convert(model, tmp_path / "model.mlmodel", RouteOptions())
    spec = coreml.load(candidate.path, LoadOptions()).native.spec
    assert spec.specificationVersion == 4  # nearest neighbours need iOS13
    assert spec.description.metadata.shortDescription == f"KNeighborsClassifier, scikit-learn {sklearn.__version__}"
    assert dict(spec.description.metadata.userDefined)["com.github.apple.coremltools.source"].startswith("scikit-learn")


@pytest.mark.parametrize("kind", ["SGDClassifier", "OneVsRestClassifier"])
def test_scores_decide_the_label_where_probabilities_round_to_one(kind: str, tmp_path: Path):
    many = (
        OneVsRestClassifier(LogisticRegression())
        if kind != "SGDClassifier"
        else SGDClassifier(loss="log_loss", random_state=0)
    )
    scaler = StandardScaler().fit(WINE[0])
    estimator = many.fit(scaler.transform(WINE[0]), WINE[1])
    assert_agrees(estimator, 300.0 * scaler.transform(WINE[0])[::5], tmp_path, "float64", IN_DOUBLE)


def test_linear_classifiers_without_probabilities_give_their_scores(tmp_path: Path):
    for rows, target in (WINE, CANCER):
        estimator = make_pipeline(StandardScaler(), LinearSVC()).fit(rows, target)
        assert_agrees(estimator, rows[::9], tmp_path, "float64", IN_DOUBLE)
