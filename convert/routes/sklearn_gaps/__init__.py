"""Converters for estimators that skl2onnx lacks or gets wrong, one module per family."""

from __future__ import annotations

from functools import cache
from importlib import import_module

MODULES: tuple[str, ...] = (
    "cluster",
    "decomposition",
    "factorisation",
    "impute",
    "encoders",
    "forests",
    "gradient_boosting",
    "hist_gradient_boosting",
    "isolation_forest",
    "kernels",
    "neighbors",
    "preprocessing",
)
"""Names of this package's modules. Each has ``register()``, which hands its estimators' shape calculators and
converters to ``skl2onnx.update_registered_converter(..., overwrite=True)``; a module whose framework is optional
registers nothing when that framework is not installed."""


@cache
def register() -> None:
    """Register every gap module with skl2onnx, once per process."""
    for name in MODULES:
        import_module(f".{name}", __name__).register()
