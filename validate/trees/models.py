"""The ensembles of trees of a loaded model of any format that may have some."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..engines.base import Model
from ..engines.registry import Format
from .ensemble import Reading


def read_model(model: Model, format: Format) -> Reading:
    """The model's ensembles; none for a format that has no trees."""
    reader = READERS.get(format.name)
    return reader(model.native) if reader else Reading()


def _estimator(native: Any) -> Reading:
    from .readers.estimators import read_estimator

    return read_estimator(native)


def _onnx(native: Any) -> Reading:
    from ..engines.onnx_files import graph_only
    from .readers.onnx_ml import read_onnx

    return read_onnx(graph_only(native))


def _coreml(native: Any) -> Reading:
    from .readers.coreml import read_coreml

    return read_coreml(native.spec)


READERS: Mapping[str, Callable[[Any], Reading]] = {
    **dict.fromkeys(("sklearn", "xgboost", "lightgbm", "catboost"), _estimator),
    "onnx": _onnx,
    "coreml": _coreml,
}
"""Format -> what reads its models."""
