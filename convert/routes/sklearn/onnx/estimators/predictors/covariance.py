"""Outliers by their Mahalanobis distance."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...declare import EstimatorGraph, outlier_detector
from ...tensors import Tensor


def register() -> None:
    """Register this module's converters."""
    from sklearn.covariance import EllipticEnvelope

    outlier_detector(EllipticEnvelope, elliptic_envelope)


def elliptic_envelope(g: EstimatorGraph, model: Any) -> list[Tensor]:
    """The squared Mahalanobis distance below the offset."""
    moved = g.x - model.location_
    scores = -((moved @ model.get_precision()) * moved).sum(keepdims=True) - model.offset_
    return [(scores >= 0.0).where(1, -1, dtype=np.int64).reshape(-1), scores]
