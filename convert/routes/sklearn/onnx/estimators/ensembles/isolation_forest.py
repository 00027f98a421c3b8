"""scikit-learn's IsolationForest: one ensemble whose leaves hold path lengths."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...declare import Conversion, outlier_detector
from ...tensors import Tensor
from .forests import features, read_tree
from .trees import Ensemble, Tree, add_ensemble


def register() -> None:
    """Register this module's converter."""
    from sklearn.ensemble import IsolationForest

    outlier_detector(IsolationForest, isolation_forest)


def isolation_forest(c: Conversion, model: Any) -> list[Tensor]:
    """``predict`` and ``decision_function``.

    The verdict compares path lengths, not scores: the training sample that defines ``offset_`` lies exactly on the
    limit, where the rounding of a power would decide. For that, both sides are rounded to float32.
    """
    trees, unit = path_lengths(model)
    length = add_ensemble(c, features(c), Ensemble(trees))
    limit = -unit * np.log2(-model.offset_)
    inlier = (length.cast(np.float32) >= np.float32(limit)).reshape(-1).where(1, -1, np.int64)
    score = -(2.0 ** -(length / unit))
    return [inlier, score - model.offset_]


def path_lengths(model: Any) -> tuple[tuple[Tree, ...], float]:
    """Trees that sum up to the path length of a sample, and the length by which it is divided."""
    lengths = zip(model._decision_path_lengths, model._average_path_length_per_tree, strict=True)
    trees = tuple(
        read_tree(estimator, (path + rest - 1.0).reshape(-1, 1), columns=columns)
        for estimator, columns, (path, rest) in zip(model.estimators_, model.estimators_features_, lengths, strict=True)
    )
    unit = len(trees) * _average_path_length(model._max_samples)
    # Trees of one sample have no length; scikit-learn then sets the ratio of the two to 1.
    return (trees, unit) if unit else ((Tree.constant([1.0]),), 1.0)


def _average_path_length(samples: int) -> float:
    """The mean depth at which a search in a random binary tree over ``samples`` keys fails (Liu, Ting, Zhou 2008)."""
    if samples <= 2:
        return float(samples == 2)
    return float(2.0 * (np.log(samples - 1.0) + np.euler_gamma) - 2.0 * (samples - 1.0) / samples)
