"""Encoders of categories, be they text, integers or floating numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...declare import Conversion, Output, declare, transformer
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
    """One output of as many columns as the encoder names; integers if it was asked for integers."""
    dtype = np.dtype(np.int64) if np.dtype(model.dtype).kind in "iu" else None
    return [Output("variable", (len(model.get_feature_names_out()),), dtype)]


def _binarized(model: Any) -> list[Output]:
    return [Output("variable", (label_table(model).shape[1],), np.dtype(np.int64))]


def label_binarizer(g: Conversion, model: Any) -> Tensor:
    """Each label's row of :func:`label_table`."""
    return g.constant(label_table(model)).take(code_of(g.inputs[0].reshape(-1, 1), model.classes_))


def label_table(model: Any) -> Array:
    """The rows of a LabelBinarizer: 0 is that of an unknown label, 1 that of the first class.

    Two classes share one column, which tells the second, and a single class has one that tells nothing. Raises
    RuntimeError for a binarizer of sets of labels.
    """
    if model.y_type_.startswith("multilabel"):
        raise RuntimeError("LabelBinarizer of several labels at once has no translation")
    count = len(model.classes_)
    hits = np.vstack([np.zeros((1, count), bool), np.eye(count, dtype=bool)])
    if count < 3:
        hits = hits[:, 1:] if count == 2 else np.zeros((2, 1), bool)
    return np.where(hits, model.pos_label, model.neg_label).astype(np.int64)


def _encode(g: Conversion, model: Any, table: Callable[[int], Array]) -> Tensor:
    """Each column replaced by row ``code`` of its table: 0 is an unknown value, 1 the first category."""
    parts = []
    for j, (column, categories) in enumerate(zip(g.columns(model.n_features_in_), model.categories_, strict=True)):
        parts.append(g.constant(table(j), np.float64).take(code_of(column, categories)))
    return g.concat(parts)


def code_of(column: Tensor, categories: Array) -> Tensor:
    """The 1-based position (n,), int64, of a column's values among its categories, 0 where they are none of them."""
    if column.dtype == STRING:
        known = {str(value): code for code, value in enumerate(categories, 1) if isinstance(value, str)}
        return column.graph.op(
            "LabelEncoder",
            column.reshape(-1),
            dtype=np.int64,
            domain="ai.onnx.ml",
            keys_strings=list(known),
            values_int64s=list(known.values()),
            default_int64=0,
        )
    values = np.asarray(categories, np.float64)
    wide = column.cast(np.float64)
    codes = (wide.equals(values).cast(np.float64) * np.arange(1.0, len(values) + 1)).max()
    if np.isnan(values).any():
        codes = wide.is_nan().reshape(-1).where(float(np.flatnonzero(np.isnan(values))[0] + 1), codes)
    return codes.cast(np.int64)


def _grouped(model: Any, j: int) -> Array:
    """The index that each category of column ``j`` has once infrequent ones are grouped."""
    mapping = model._default_to_infrequent_mappings[j] if model._infrequent_enabled else None
    return np.arange(len(model.categories_[j])) if mapping is None else mapping


def _unknown_group(model: Any, j: int) -> int | None:
    """The index that an unknown value of column ``j`` falls under, if infrequent categories take it in."""
    if model.handle_unknown not in ("infrequent_if_exist", "warn") or not model._infrequent_enabled:
        return None
    infrequent = model._infrequent_indices[j]
    return None if infrequent is None else int(_grouped(model, j)[infrequent[0]])


def one_hot_encoder(g: Conversion, model: Any) -> Tensor:
    """A row of zeros with a one, or zeros alone for unknown and dropped categories (OneHotEncoder.transform)."""
    return _encode(g, model, lambda j: one_hot_table(model, j))


def one_hot_table(model: Any, j: int) -> Array:
    """The rows for column ``j`` of X, see :func:`_encode`."""
    groups, unknown = _grouped(model, j), _unknown_group(model, j)
    units = np.eye(int(groups.max()) + 1)
    rows = np.vstack([units[unknown] if unknown is not None else 0 * units[0], units[groups]])
    drop = None if model._drop_idx_after_grouping is None else model._drop_idx_after_grouping[j]
    return rows if drop is None else np.delete(rows, drop, axis=1)


def ordinal_encoder(g: Conversion, model: Any) -> Tensor:
    """The category's index, with values of their own for missing and unknown ones (OrdinalEncoder.transform)."""
    return _encode(g, model, lambda j: ordinal_table(model, j))


def ordinal_table(model: Any, j: int) -> Array:
    """The rows for column ``j`` of X, see :func:`_encode`."""
    codes = _grouped(model, j).astype(np.float64)
    if j in model._missing_indices:
        codes[model._missing_indices[j]] = model.encoded_missing_value
    group = _unknown_group(model, j)
    if model.handle_unknown == "use_encoded_value":
        group = model.unknown_value
    return np.append(0.0 if group is None else group, codes)[:, None]


def target_encoder(g: Conversion, model: Any) -> Tensor:
    """The mean target of each category, one column per class if there are more than two; unknown: the overall mean."""
    return _encode(g, model, lambda j: target_table(model, j))


def target_table(model: Any, j: int) -> Array:
    """The rows for column ``j`` of X, see :func:`_encode`."""
    classes = len(model.classes_) if model.target_type_ == "multiclass" else 1
    return np.vstack([model.target_mean_, np.column_stack(model.encodings_[j * classes : (j + 1) * classes])])
