"""The outputs of a fitted estimator, as plain arrays under stable names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ParityGateError
from ...signature import STRING, ClassLabel, TensorSpec

if TYPE_CHECKING:
    from ...signature import Array

BATCH = "N"
"""The batch axis of every input and output of an estimator."""

_WIDTHS = {"float32": ("float64",), "float64": ("float32",), "int32": ("int64",)}


@dataclass(frozen=True, slots=True)
class Method:
    """One method of the estimator, and the name of the output for its result (numbered if it is a list)."""

    output: str
    function: Callable[[Any], Any]

    def __call__(self, x: Any) -> dict[str, Array]:
        """The result for X, as plain arrays by output name."""
        result = self.function(x)
        if isinstance(result, list):
            return {f"{self.output}_{i}": plain(part) for i, part in enumerate(result)}
        array = plain(result)
        squeezed = self.output == "transformed" and array.ndim == 1 and len(array) != len(x)
        return {self.output: array[None] if squeezed else array}  # SparsePCA drops the axis of a single row


def methods_of(estimator: Any) -> tuple[Method, ...]:
    """The methods that compute outputs for new data, the decisive one first.

    A classifier: ``label``, and ``probabilities`` or else ``scores`` (decision values). An outlier detector:
    ``label`` and ``scores``. A clusterer: ``label``, and ``scores`` (what ``transform`` gives) if it has them. A
    mixture: ``label`` and ``probabilities``. A regressor: ``prediction``. A transformer: ``transformed``. With
    several targets, ``label`` and ``prediction`` are matrices and ``probabilities`` become ``probabilities_0`` ...

    Raises ParityGateError PG402 for an estimator that has no outputs for new data.
    """
    from sklearn.base import is_classifier, is_clusterer, is_outlier_detector, is_regressor

    if not _has(estimator, "predict"):
        return (_transform(estimator),)
    if is_regressor(estimator):
        return (Method("prediction", estimator.predict),)
    label = Method("label", estimator.predict)
    if is_outlier_detector(estimator):
        return (label, Method("scores", estimator.decision_function))
    if is_clusterer(estimator):
        return (label, Method("scores", estimator.transform)) if _has(estimator, "transform") else (label,)
    if _has(estimator, "predict_proba"):
        return (label, Method("probabilities", estimator.predict_proba))
    if is_classifier(estimator) and _has(estimator, "decision_function"):
        return (label, Method("scores", estimator.decision_function))
    return (label,) if is_classifier(estimator) else (Method("prediction", estimator.predict),)


def _transform(estimator: Any) -> Method:
    if _has(estimator, "transform"):
        return Method("transformed", estimator.transform)
    raise ParityGateError(
        "PG402",
        type(estimator).__name__,
        "it has neither predict nor transform, so it has no outputs for new data",
        "Some estimators describe only the data that they were fitted on; a model needs predict or transform.",
    )


def _has(estimator: Any, method: str) -> bool:
    """Whether the method is available: scikit-learn hides those that an estimator's settings exclude."""
    return callable(getattr(estimator, method, None))


def plain(result: Any) -> Array:
    """A dense array of numbers, booleans or text, from whatever container the estimator returned.

    Raises ParityGateError PG406 for other values.
    """
    if hasattr(result, "toarray"):
        result = result.toarray()
    array = np.asarray(result)
    if array.dtype.kind != "O":
        return array
    values = array.ravel().tolist()
    if all(isinstance(value, str) for value in values):
        return array.astype(str)
    if all(isinstance(value, int | float | np.number | np.bool_) for value in values):
        return np.asarray(values).reshape(array.shape)
    raise ParityGateError(
        "PG406",
        "output",
        "the estimator returns a table of strings and numbers, which no tensor can hold",
        "End the pipeline with an estimator, or encode the text columns.",
    )


def spec_of(name: str, array: Array) -> TensorSpec:
    """The spec of an output, from its value for two rows."""
    dtype = STRING if array.dtype.kind == "U" else array.dtype.name
    return TensorSpec(name, dtype, (BATCH, *array.shape[1:]), _WIDTHS.get(dtype, ()))


def labels_of(estimator: Any, outputs: Sequence[TensorSpec]) -> dict[str, str]:
    """Which output holds class labels, and the output that they are chosen by ("" if there is no single one)."""
    from sklearn.base import is_clusterer

    names = [spec.name for spec in outputs]
    if "label" not in names:
        return {}
    chosen_by = next((name for name in ("probabilities", "scores") if name in names), "")
    return {"label": "" if is_clusterer(estimator) else chosen_by}


def classes_of(estimator: Any, outputs: Sequence[TensorSpec]) -> dict[str, tuple[ClassLabel, ...]]:
    """Which class each column of ``probabilities`` stands for; empty where classes have no names of their own."""
    classes = getattr(estimator, "classes_", None)
    if "probabilities" not in [spec.name for spec in outputs] or not isinstance(classes, np.ndarray):
        return {}
    names = classes.tolist()
    whole = all(isinstance(name, str) or float(name).is_integer() for name in names)
    return {"probabilities": tuple(n if isinstance(n, str) else int(n) for n in names)} if whole else {}
