"""Check the indices in fitted estimators that compiled code follows without looking.

A damaged file can hold a tree whose node points at a node that isn't there. scikit-learn's compiled code reads that
address, and the process dies in the first prediction, or it never leaves a circle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...errors import ParityGateError

_DEEPEST = 200


def check_structure(subject: str, value: Any) -> None:
    """Raises ParityGateError PG402 for an estimator with an index that points outside of its own arrays."""
    for part, width in _parts(value, None, set(), 0):
        check = _CHECKS.get(f"{type(part).__module__}.{type(part).__qualname__}")
        fault = check(part, width) if check else _fault_of_matrix(part)
        if fault:
            raise ParityGateError(
                "PG402", subject, f"its {type(part).__name__} is damaged: {fault}", "Save the estimator again."
            )


def _parts(value: Any, width: int | None, seen: set[int], depth: int) -> Iterator[tuple[Any, int | None]]:
    """Every object inside of a value, with the number of features of the estimator around it."""
    if id(value) in seen or depth > _DEEPEST or isinstance(value, str | bytes | int | float | type(None)):
        return
    seen.add(id(value))
    yield value, width
    own = vars(value).get("n_features_in_") if hasattr(value, "__dict__") and not isinstance(value, type) else None
    for child in _children(value):
        yield from _parts(child, own if isinstance(own, int) else width, seen, depth + 1)


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    if isinstance(value, np.ndarray):
        return list(value.flat) if value.dtype == object else []
    if isinstance(value, type) or (callable(value) and not hasattr(value, "get_params")):
        return []
    return list(vars(value).values()) if hasattr(value, "__dict__") else []


def _fault_of_tree(tree: Any, width: int | None) -> str | None:
    if width is not None and tree.n_features != width:
        return f"it reads {tree.n_features} features of {width}"
    left, right, feature = tree.children_left, tree.children_right, tree.feature
    return _fault_of_nodes(left, right, feature, (left == -1) & (right == -1), tree.n_features)


def _fault_of_predictor(predictor: Any, width: int | None) -> str | None:
    nodes = predictor.nodes
    leaves = nodes["is_leaf"].astype(bool)
    categories = nodes["is_categorical"].astype(bool) & ~leaves
    if (nodes["bitset_idx"][categories] >= len(predictor.raw_left_cat_bitsets)).any():
        return "a node points at categories that aren't there"
    most = width if width is not None else np.iinfo(np.int64).max
    return _fault_of_nodes(nodes["left"], nodes["right"], nodes["feature_idx"], leaves, most)


def _fault_of_nodes(left: Any, right: Any, feature: Any, leaves: Any, width: int) -> str | None:
    """Children come after their parents, so that every way down ends."""
    if not len(left):
        return "it has no nodes"
    index, count = np.arange(len(left)), len(left)
    for child in (left.astype(np.int64), right.astype(np.int64)):
        if (~leaves & ((child <= index) | (child >= count))).any():
            return "a node points at a node that isn't there"
    feature = feature.astype(np.int64)
    if (~leaves & ((feature < 0) | (feature >= width))).any():
        return "a node reads a feature that isn't there"
    return None


def _fault_of_neighbours(tree: Any, width: int | None) -> str | None:
    data, indices, nodes, _ = tree.get_arrays()
    if len(indices) != len(data) or not _within(indices, len(data)):
        return "it points at rows that aren't there"
    if not _within(nodes["idx_start"], len(data) + 1) or not _within(nodes["idx_end"], len(data) + 1):
        return "a node points at rows that aren't there"
    return None


def _within(indices: Any, count: int) -> bool:
    return not len(indices) or bool(indices.min() >= 0 and indices.max() < count)


def _fault_of_machine(machine: Any, width: int | None) -> str | None:
    counts, vectors = vars(machine).get("_n_support"), vars(machine).get("support_vectors_")
    if counts is None or vectors is None:
        return None
    if int(np.sum(counts)) != vectors.shape[0] and machine._impl in ("c_svc", "nu_svc"):
        return f"it has {vectors.shape[0]} support vectors and counts {int(np.sum(counts))}"
    if machine._dual_coef_.shape[1] != vectors.shape[0]:
        return "it has more coefficients than support vectors"
    return None


def _fault_of_matrix(value: Any) -> str | None:
    if type(value).__module__.startswith("scipy.sparse.") and hasattr(value, "check_format"):
        try:
            value.check_format(full_check=True)
        except (ValueError, TypeError, IndexError) as error:
            return str(error)
    return None


_CHECKS: dict[str, Callable[[Any, int | None], str | None]] = {
    "sklearn.tree._tree.Tree": _fault_of_tree,
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor": _fault_of_predictor,
    **{
        f"sklearn.neighbors._{module}.{kind}{bits}": _fault_of_neighbours
        for module, kind in (("kd_tree", "KDTree"), ("ball_tree", "BallTree"))
        for bits in ("", "32", "64")
    },
    **{f"sklearn.svm._classes.{name}": _fault_of_machine for name in ("NuSVC", "NuSVR", "OneClassSVM", "SVC", "SVR")},
}
