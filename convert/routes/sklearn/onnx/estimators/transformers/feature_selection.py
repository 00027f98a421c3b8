"""Selectors of features: a choice of columns of any type."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....models.families import SELECTORS
from ...declare import AS_INPUT, EstimatorGraph, Output, declare
from ...tensors import Tensor


def register() -> None:
    """Register this module's converters."""
    from sklearn import feature_selection

    for name in SELECTORS:
        declare(getattr(feature_selection, name), selected_columns, _output)


def _output(model: Any) -> list[Output]:
    return [Output("variable", (int(np.sum(model.get_support())),), AS_INPUT)]


def selected_columns(g: EstimatorGraph, model: Any) -> Tensor:
    """The columns that the selector keeps."""
    return g.raw.columns(model.get_support(indices=True))
