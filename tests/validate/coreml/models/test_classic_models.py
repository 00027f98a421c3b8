"""Support vector machines, linear models and nearest neighbours against scikit-learn."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from model_specs import (
    KERNELS,
    X,
    Y,
    assert_classifies,
    assert_regresses,
    classifier,
    regressor,
    session,
    set_svm,
    single,
    svc,
)
from scipy.stats import norm
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC, SVR

from paritygate.validate.coreml.files.proto import Message


@pytest.mark.parametrize(("kernel", "sparse"), list(product(KERNELS, [False, True])))
def test_support_vector_regression(kernel: str, sparse: bool):
    x, y = load_diabetes(return_X_y=True)
    machine = SVR(kernel=kernel, coef0=0.3, C=10).fit(x[:200], y[:200])
    spec = regressor(x.shape[1])
    body = spec.supportVectorRegressor
    set_svm(body, machine, sparse)
    body.coefficients.alpha.extend(machine.dual_coef_[0])
    body.rho = -machine.intercept_[0]
    assert_regresses(spec, x[::60], machine.predict(x[::60]))


@pytest.mark.filterwarnings("ignore:.*probability:FutureWarning")
@pytest.mark.parametrize("kernel", KERNELS)
def test_coupled_probabilities_of_three_classes(kernel: str):
    machine = SVC(kernel=kernel, probability=True, random_state=0, C=0.1).fit(X, Y)
    # scikit-learn shuffles its estimate of probA and probB, but predicts by libsvm's own iteration.
    assert_classifies(svc(machine), X[::6], machine.predict_proba(X[::6]), atol=1e-9)


@pytest.mark.filterwarnings("ignore:.*probability:FutureWarning")
def test_a_degenerate_machine_has_libsvms_bounds_for_its_probabilities():
    """libsvm writes NaN for rho where every row is at its bound, and clips by comparisons that NaN fails."""
    machine = SVC(kernel="rbf", probability=True, random_state=0, C=0.1).fit(X, Y)
    machine._intercept_ = np.full_like(machine._intercept_, np.nan)
    wanted = machine.predict_proba(X[::20])
    assert np.isfinite(wanted).all()
    assert_classifies(svc(machine), X[::20], wanted, atol=1e-9)


@pytest.mark.filterwarnings("ignore:.*probability:FutureWarning")
def test_a_degenerate_machine_of_two_classes_has_the_bounds_themselves():
    """svm_predict_probability gives both bounds (1e-7) unchanged; scikit-learn's older copy iterates here, too."""
    machine = SVC(kernel="rbf", probability=True, random_state=0, C=0.1).fit(X[Y < 2], Y[Y < 2])
    machine._intercept_ = np.full_like(machine._intercept_, np.nan)
    assert_classifies(svc(machine), X[:2], np.array([[1e-7, 1 - 1e-7]] * 2))


def test_votes_of_three_classes():
    machine = SVC(kernel="rbf", decision_function_shape="ovo").fit(X, Y)
    spec = svc(machine)
    spec.description.ClearField("predictedProbabilitiesName")
    del spec.description.output[1]
    running = session(spec)
    assert [running.predict({"x": row})["label"] for row in X[::5]] == machine.predict(X[::5]).tolist()


def glm(labels: int, encoding: int, transform: int, linear: Any) -> Message:
    spec = classifier(X.shape[1])
    body = spec.glmClassifier
    body.classEncoding, body.postEvaluationTransform = encoding, transform
    body.int64ClassLabels.vector.extend(range(labels))
    for row, offset in linear:
        body.weights.add().value.extend(row)
        body.offset.append(offset)
    return spec


def test_one_versus_rest_linear_models():
    fitted = OneVsRestClassifier(LogisticRegression()).fit(X, Y)
    linear = [(m.coef_[0], m.intercept_[0]) for m in fitted.estimators_]
    assert_classifies(glm(3, 1, 0, linear), X[::9], fitted.predict_proba(X[::9]))


def test_a_multinomial_linear_model():
    fitted = LogisticRegression().fit(X, Y)
    coefficients, intercepts = fitted.coef_ - fitted.coef_[0], fitted.intercept_ - fitted.intercept_[0]
    linear = list(zip(coefficients[1:], intercepts[1:], strict=True))
    assert_classifies(glm(3, 0, 0, linear), X[::9], fitted.predict_proba(X[::9]))


@pytest.mark.parametrize(("transform", "link", "atol"), [(0, None, 1e-12), (1, norm.cdf, 1e-7)])  # float32's erf
def test_two_linear_classes(transform: int, link: Any, atol: float):
    fitted = LogisticRegression().fit(X, Y > 0)
    second = link(fitted.decision_function(X[::9])) if link else fitted.predict_proba(X[::9])[:, 1]
    wanted = np.stack([1 - second, second], 1)
    assert_classifies(glm(2, 0, transform, [(fitted.coef_[0], fitted.intercept_[0])]), X[::9], wanted, atol)


@pytest.mark.parametrize(("weighting", "neighbours"), [("uniform", 5), ("distance", 4), ("distance", 1000)])
def test_nearest_neighbours(weighting: str, neighbours: int):
    x, y = load_iris(return_X_y=True)
    x, first = np.unique(x, axis=0, return_index=True)
    y = y[first]
    samples, asked = single(x[::2]), single(x[::7])
    weights = "uniform" if weighting == "uniform" else lambda d: 1 / np.maximum(d, 1e-100) ** 2
    fitted = KNeighborsClassifier(min(neighbours, len(samples)), weights=weights).fit(samples, y[::2])
    spec = classifier(4)
    body = spec.kNearestNeighborsClassifier
    body.nearestNeighborsIndex.squaredEuclideanDistance.SetInParent()
    for row in samples:
        body.nearestNeighborsIndex.floatSamples.add().vector.extend(row)
    body.numberOfNeighbors.defaultValue = neighbours
    body.int64ClassLabels.vector.extend(y[::2].tolist())
    getattr(body, "uniformWeighting" if weighting == "uniform" else "inverseDistanceWeighting").SetInParent()
    distances = fitted.kneighbors(asked, len(samples))[0]
    edge = min(neighbours, len(samples)) - 1
    no_tie = (
        np.ones(len(asked), bool)
        if edge + 1 == len(samples)
        else ~np.isclose(distances[:, edge], distances[:, edge + 1])
    )
    assert no_tie.sum() > 8
    assert_classifies(spec, asked[no_tie], fitted.predict_proba(asked[no_tie]), atol=1e-9)
