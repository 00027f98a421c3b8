"""scikit-learn's IsolationForest: one ensemble whose leaves hold path lengths."""

from __future__ import annotations

from typing import Any

import numpy as np

from .......validate.trees.readers.forests import path_lengths
from ...declare import EstimatorGraph, outlier_detector
from ...tensors import Tensor
from .trees import Ensemble, add_ensemble, single_features


def register() -> None:
    """Register this module's converter."""
    from sklearn.ensemble import IsolationForest

    outlier_detector(IsolationForest, isolation_forest)


def isolation_forest(g: EstimatorGraph, model: Any) -> list[Tensor]:
    """``predict`` and ``decision_function``.

    The label compares path lengths, not scores: the training sample that defines ``offset_`` lies exactly on the
    limit, where the rounding of a power would decide. Both sides are therefore rounded to float32.
    """
    trees, unit = path_lengths(model)
    length = add_ensemble(g, single_features(g), Ensemble(trees))
    limit = -unit * np.log2(-model.offset_)
    inlier = (length.cast(np.float32) >= np.float32(limit)).reshape(-1).where(1, -1, np.int64)
    score = -(2.0 ** -(length / unit))
    return [inlier, score - model.offset_]
