"""Everything that paritygate adds to skl2onnx."""

from __future__ import annotations

from functools import cache
from typing import Any

from .estimators import register
from .parsers import register_parsers


def register_everything() -> None:
    """Register the converters and the parsers.

    Call it before every conversion: converters for a library of boosters are added once that library is imported.
    """
    register()
    _register_once()


@cache
def _register_once() -> None:
    register_parsers()


def is_supported(estimator: Any) -> bool:
    """Whether a converter or a parser is registered for the estimator's class."""
    from skl2onnx._parse import sklearn_parsers_map
    from skl2onnx._supported_operators import sklearn_operator_name_map
    from sklearn.pipeline import Pipeline

    kind = type(estimator)
    return kind in sklearn_operator_name_map or kind in sklearn_parsers_map or isinstance(estimator, Pipeline)
