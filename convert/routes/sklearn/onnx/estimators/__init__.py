"""Converters for estimators that skl2onnx lacks or converts incorrectly, one module per family."""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module

MODULES: tuple[str, ...] = (
    "transformers.scaling",
    "predictors.mixture",
    "transformers.projection",
    "predictors.neural_network",
    "predictors.svm",
    "predictors.cluster",
    "transformers.decomposition",
    "transformers.factorisation",
    "predictors.linear_model",
    "transformers.feature_selection",
    "predictors.naive_bayes",
    "predictors.discriminant_analysis",
    "predictors.dummy",
    "transformers.cross_decomposition",
    "meta.compose",
    "ensembles.ensemble",
    "meta.model_selection",
    "meta.multiclass",
    "meta.multioutput",
    "predictors.semi_supervised",
    "predictors.covariance",
    "predictors.gaussian_process",
    "predictors.isotonic",
    "transformers.manifold",
    "transformers.impute",
    "transformers.encoders",
    "ensembles.forests",
    "ensembles.gradient_boosting",
    "ensembles.hist_gradient_boosting",
    "ensembles.isolation_forest",
    "transformers.kernels",
    "predictors.neighbors",
    "transformers.preprocessing",
    "transformers.sparse_coding",
    "transformers.text",
)
"""Modules of this package. Each has ``register()``, which registers its estimators' shape calculators and converters
through ``skl2onnx.update_registered_converter(..., overwrite=True)``."""

BOOSTERS = ("catboost", "lightgbm", "xgboost")
"""Modules of ``ensembles`` named after the library that they need: unless it is imported, no model needs it."""


def register() -> None:
    """Register every module with skl2onnx, once per process."""
    for name in (*MODULES, *(f"ensembles.{library}" for library in BOOSTERS if library in sys.modules)):
        _register(name)


@cache
def _register(name: str) -> None:
    import_module(f".{name}", __name__).register()
