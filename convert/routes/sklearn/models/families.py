"""Families of scikit-learn's estimators whose members share their attributes, by class."""

from __future__ import annotations

LINEAR_REGRESSORS = (
    "ARDRegression", "BayesianRidge", "ElasticNet", "ElasticNetCV", "HuberRegressor", "Lars", "LarsCV", "Lasso",
    "LassoCV", "LassoLars", "LassoLarsCV", "LassoLarsIC", "LinearRegression", "MultiTaskElasticNet",
    "MultiTaskElasticNetCV", "MultiTaskLasso", "MultiTaskLassoCV", "OrthogonalMatchingPursuit",
    "OrthogonalMatchingPursuitCV", "PassiveAggressiveRegressor", "QuantileRegressor", "Ridge", "RidgeCV",
    "SGDRegressor", "TheilSenRegressor",
)  # fmt: skip
"""Regressors of sklearn.linear_model that predict ``x @ coef_.T + intercept_``."""

LOG_LINKED_REGRESSORS = ("GammaRegressor", "PoissonRegressor", "TweedieRegressor")
"""Regressors of sklearn.linear_model that predict its exponential (a Tweedie model may have no exponential)."""

LINEAR_CLASSIFIERS = (
    "LogisticRegression", "LogisticRegressionCV", "PassiveAggressiveClassifier", "Perceptron", "RidgeClassifier",
    "RidgeClassifierCV", "SGDClassifier",
)  # fmt: skip
"""Classifiers of sklearn.linear_model that decide by ``x @ coef_.T + intercept_``."""

SELECTORS = (
    "GenericUnivariateSelect", "RFE", "RFECV", "SelectFdr", "SelectFpr", "SelectFromModel", "SelectFwe", "SelectKBest",
    "SelectPercentile", "SequentialFeatureSelector", "VarianceThreshold",
)  # fmt: skip
"""Transformers of sklearn.feature_selection, which keep some columns as they are."""
