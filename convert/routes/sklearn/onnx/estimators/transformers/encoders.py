"""Encoders of categories, be they text, integers or floating numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....models.encoders import label_table, one_hot_table, ordinal_table, target_table
from ...declare import EstimatorGraph, Output, declare, transformer
from ...tensors import STRING, Tensor

Array = NDArray[Any]


def register() -> None:
    """Register this module's converters."""
    from sklearn import preprocessing

    declare(preprocessing.OneHotEncoder, one_hot_encoder, _encoded)
    declare(preprocessing.OrdinalEncoder, ordinal_encoder, _encoded)
    transformer(preprocessing.TargetEncoder, target_encoder)
    declare(preprocessing.LabelBinarizer, label_binarizer, _binarized)


def _encoded(model: Any) -> list[Output]:
    """One output of as many columns as the encoder names; integers if the encoder's dtype is integral."""
    dtype = np.dtype(np.int64) if np.dtype(model.dtype).kind in "iu" else None
    return [Output("variable", (len(model.get_feature_names_out()),), dtype)]


def _binarized(model: Any) -> list[Output]:
    return [Output("variable", (label_table(model).shape[1],), np.dtype(np.int64))]


def label_binarizer(g: EstimatorGraph, model: Any) -> Tensor:
    """Each label's row of :func:`label_table`."""
    return g.constant(label_table(model)).take(code_of(g.inputs[0].reshape(-1, 1), model.classes_))


def _encode(g: EstimatorGraph, model: Any, table: Callable[[int], Array]) -> Tensor:
    """Each column replaced by the entry of its table for its code."""
    parts = []
    for j, (column, categories) in enumerate(zip(g.columns(model.n_features_in_), model.categories_, strict=True)):
        parts.append(g.constant(table(j), np.float64).take(code_of(column, categories)))
    return g.concat(parts)


def code_of(column: Tensor, categories: Array) -> Tensor:
    """The 1-based position (n,), int64, of a column's values among its categories, 0 where they are none of them."""
    if column.dtype == STRING:
        known = {str(value): code for code, value in enumerate(categories, 1) if isinstance(value, str)}
        return column.reshape(-1).lookup(known, 0)
    values = np.asarray(categories, np.float64)
    wide = column.cast(np.float64)
    codes = (wide.equals(values).cast(np.float64) * np.arange(1.0, len(values) + 1)).max()
    if np.isnan(values).any():
        codes = wide.is_nan().reshape(-1).where(float(np.flatnonzero(np.isnan(values))[0] + 1), codes)
    return codes.cast(np.int64)


def one_hot_encoder(g: EstimatorGraph, model: Any) -> Tensor:
    """A row of zeros with a one, or zeros alone for unknown and dropped categories (OneHotEncoder.transform)."""
    return _encode(g, model, lambda j: one_hot_table(model, j))


def ordinal_encoder(g: EstimatorGraph, model: Any) -> Tensor:
    """The category's index, with values of their own for missing and unknown ones (OrdinalEncoder.transform)."""
    return _encode(g, model, lambda j: ordinal_table(model, j))


def target_encoder(g: EstimatorGraph, model: Any) -> Tensor:
    """The mean target of each category, one column per class if there are more than two; unknown: the overall mean."""
    return _encode(g, model, lambda j: target_table(model, j))
