"""Generated rows stay where the function of a FunctionTransformer is defined, near what came after it in training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import special
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.sklearn.estimator import load
from paritygate.validate.engines.sklearn.function_domains import domain_of
from paritygate.validate.samples import generate_samples

RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(0.05, 0.95, (200, 3))
Y = X[:, 0] + X[:, 1]
FUNCTIONS = [np.log1p, np.log, np.log2, np.log10, np.sqrt, np.arcsin, np.arctanh, special.logit, np.exp, np.expm1]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scaled", [True, False], ids=["scaled", "not scaled"])
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_every_generated_row_is_taken(function: Any, scaled: bool, dtype: str) -> None:
    steps = [FunctionTransformer(function), *([StandardScaler()] if scaled else []), LinearRegression()]
    model = load(make_pipeline(*steps).fit(X, Y), LoadOptions(dtype=dtype))
    for sample in generate_samples(model.signature, model.hints()).items:
        assert np.isfinite(model.run(sample.feed)["prediction"]).all(), sample.label


def test_arccosh_begins_at_one() -> None:
    model = load(make_pipeline(FunctionTransformer(np.arccosh), LinearRegression()).fit(X + 1, Y), LoadOptions())
    for sample in generate_samples(model.signature, model.hints()).items:
        assert np.isfinite(model.run(sample.feed)["prediction"]).all()


def test_rows_reach_the_range_of_the_training_data() -> None:
    """The scaler behind the logarithm knows it: about 7 decades here, where a domain alone says "above 0"."""
    x = np.exp(RANDOM.normal(8, 3, (300, 2)))
    model = load(
        make_pipeline(FunctionTransformer(np.log), StandardScaler(), LinearRegression()).fit(x, x[:, 0]), LoadOptions()
    )
    (hint,) = model.hints()
    np.testing.assert_allclose(np.log(hint.low), 8 - 9, atol=1.5)
    np.testing.assert_allclose(np.log(hint.high), 8 + 9, atol=1.5)


def test_thresholds_behind_a_function_are_taken_back() -> None:
    tree = DecisionTreeRegressor(max_depth=3, random_state=0)
    model = make_pipeline(FunctionTransformer(np.sqrt), tree).fit(X, Y)
    (hint,) = load(model, LoadOptions()).hints()
    own = np.unique(tree.tree_.threshold[tree.tree_.feature == 0])
    np.testing.assert_allclose(hint.points[0], own**2)


def test_a_part_of_a_table_has_its_own_domain() -> None:
    parts = [("log", FunctionTransformer(np.log), [0]), ("rest", "passthrough", [1, 2])]
    model = load(make_pipeline(ColumnTransformer(parts), LinearRegression()).fit(X, Y), LoadOptions())
    (hint,) = model.hints()
    assert hint.low[0] > 0
    assert np.isinf(hint.low[1:]).all()


def test_other_functions_have_no_domain() -> None:
    own = FunctionTransformer(lambda x: x)
    with_keywords = FunctionTransformer(np.log, kw_args={"where": True})
    assert domain_of(own) is domain_of(with_keywords) is domain_of(StandardScaler()) is None
