"""Converters for estimators that skl2onnx lacks or gets wrong, one module per family."""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module

MODULES: tuple[str, ...] = (
    "scaling",
    "mixture",
    "projection",
    "neural_network",
    "svm",
    "cluster",
    "decomposition",
    "factorisation",
    "linear_model",
    "feature_selection",
    "naive_bayes",
    "discriminant_analysis",
    "dummy",
    "cross_decomposition",
    "compose",
    "ensemble",
    "model_selection",
    "multiclass",
    "multioutput",
    "semi_supervised",
    "covariance",
    "gaussian_process",
    "isotonic",
    "manifold",
    "impute",
    "encoders",
    "forests",
    "gradient_boosting",
    "hist_gradient_boosting",
    "isolation_forest",
    "kernels",
    "neighbors",
    "preprocessing",
    "sparse_coding",
    "text",
)
"""Names of this package's modules. Each has ``register()``, which hands its estimators' shape calculators and
converters to ``skl2onnx.update_registered_converter(..., overwrite=True)``."""

BOOSTERS = ("catboost", "lightgbm", "xgboost")
"""Modules named like the library that they need; without that library's import there is no model of it to convert."""


def register() -> None:
    """Register every gap module with skl2onnx, each once per process."""
    for name in (*MODULES, *(name for name in BOOSTERS if name in sys.modules)):
        _register(name)


@cache
def _register(name: str) -> None:
    import_module(f".{name}", __name__).register()
