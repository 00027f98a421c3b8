"""Clusterers that assign new rows to clusters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...declare import EstimatorGraph, clusterer, transformer
from ...distances import euclidean_squared
from ...tensors import Tensor


def register() -> None:
    """Register this module's converters."""
    from sklearn import cluster

    clusterer(cluster.AffinityPropagation, affinity_propagation)
    clusterer(cluster.Birch, birch)
    clusterer(cluster.BisectingKMeans, bisecting_k_means)
    clusterer(cluster.KMeans, k_means)
    clusterer(cluster.MeanShift, mean_shift)
    clusterer(cluster.MiniBatchKMeans, k_means)
    transformer(cluster.FeatureAgglomeration, feature_agglomeration)


def k_means(g: EstimatorGraph, model: Any) -> list[Tensor]:
    """The nearest centre, and the distances to all."""
    squared = euclidean_squared(g.x, model.cluster_centers_)
    return [squared.argmin(), squared.sqrt()]


def mean_shift(g: EstimatorGraph, model: Any) -> Tensor:
    """The nearest centre."""
    return euclidean_squared(g.x, model.cluster_centers_).argmin()


def affinity_propagation(g: EstimatorGraph, model: Any) -> Tensor:
    """The nearest exemplar; -1 for every row if none was found."""
    if model.affinity == "precomputed":
        raise RuntimeError("AffinityPropagation(affinity='precomputed') has no predict")
    if len(model.cluster_centers_) == 0:
        return g.full(-1)
    return mean_shift(g, model)


def birch(g: EstimatorGraph, model: Any) -> list[Tensor]:
    """The label of the nearest subcluster, and the distances to all subclusters."""
    squared = euclidean_squared(g.x, model.subcluster_centers_)
    return [g.constant(model.subcluster_labels_, np.int64).take(squared.argmin()), squared.sqrt()]


def bisecting_k_means(g: EstimatorGraph, model: Any) -> list[Tensor]:
    """The leaf reached through the nearer child at each split, and the distances to all leaves.

    The comparison of the distances to two centres is linear in x, so that one product computes all splits.
    """
    splits = list(_splits(model._bisecting_tree))
    shift = getattr(model, "_X_mean", 0.0)
    left, right = (np.stack([getattr(split, side).center for split in splits]) + shift for side in ("left", "right"))
    gain = (g.x * 2.0) @ (right - left).T + ((left**2).sum(axis=1) - (right**2).sum(axis=1))
    goes_right = gain > 0.0

    def label(node: Any) -> Tensor:
        if node.left is None:
            return g.constant(node.label, np.int64)
        return goes_right.columns(splits.index(node)).where(label(node.right), label(node.left))

    distances = euclidean_squared(g.x, model.cluster_centers_).sqrt()
    return [label(model._bisecting_tree), distances]


def _splits(node: Any) -> Iterator[Any]:
    if node.left is not None:
        yield node
        yield from _splits(node.left)
        yield from _splits(node.right)


def feature_agglomeration(g: EstimatorGraph, model: Any) -> Tensor:
    """Each cluster of features pooled into one."""
    if model.pooling_func not in _POOLING:
        raise RuntimeError(f"pooling_func={model.pooling_func!r} has no translation, only mean, max, min and sum")
    pool = _POOLING[model.pooling_func]
    clusters = [np.flatnonzero(model.labels_ == label) for label in np.unique(model.labels_)]
    return g.concat([pool(g.x.columns(cluster)) for cluster in clusters])


_POOLING: dict[Any, Callable[[Tensor], Tensor]] = {
    np.mean: lambda columns: columns.mean(keepdims=True),
    np.max: lambda columns: columns.max(keepdims=True),
    np.min: lambda columns: columns.min(keepdims=True),
    np.sum: lambda columns: columns.sum(keepdims=True),
}
