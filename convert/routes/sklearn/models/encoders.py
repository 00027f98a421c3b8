"""What encoders of categories write for each category, as tables: entry 0 is for an unknown value, 1 for the first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def label_table(model: Any) -> Array:
    """The table (1 + classes, columns) of a LabelBinarizer.

    Two classes share one column, which marks the second, and a single class has one that marks nothing. Raises
    RuntimeError for a binarizer of sets of labels.
    """
    if model.y_type_.startswith("multilabel"):
        raise RuntimeError("LabelBinarizer of several labels at once has no translation")
    count = len(model.classes_)
    hits = np.vstack([np.zeros((1, count), bool), np.eye(count, dtype=bool)])
    if count < 3:
        hits = hits[:, 1:] if count == 2 else np.zeros((2, 1), bool)
    return np.where(hits, int(model.pos_label), int(model.neg_label)).astype(np.int64)


def one_hot_table(model: Any, j: int) -> Array:
    """The table of a OneHotEncoder for column ``j`` of X."""
    groups, unknown = _grouped(model, j), _unknown_group(model, j)
    units = np.eye(int(groups.max()) + 1)
    table = np.vstack([units[unknown] if unknown is not None else 0 * units[0], units[groups]])
    drop = None if model._drop_idx_after_grouping is None else model._drop_idx_after_grouping[j]
    return table if drop is None else np.delete(table, drop, axis=1)


def ordinal_table(model: Any, j: int) -> Array:
    """The table of an OrdinalEncoder for column ``j`` of X."""
    codes = _grouped(model, j).astype(np.float64)
    if j in model._missing_indices:
        codes[model._missing_indices[j]] = model.encoded_missing_value
    group = _unknown_group(model, j)
    if model.handle_unknown == "use_encoded_value":
        group = model.unknown_value
    return np.append(0.0 if group is None else group, codes)[:, None]


def target_table(model: Any, j: int) -> Array:
    """The table of a TargetEncoder for column ``j`` of X."""
    classes = len(model.classes_) if model.target_type_ == "multiclass" else 1
    return np.vstack([model.target_mean_, np.column_stack(model.encodings_[j * classes : (j + 1) * classes])])


def _grouped(model: Any, j: int) -> Array:
    """The index that each category of column ``j`` has once infrequent ones are grouped."""
    mapping = model._default_to_infrequent_mappings[j] if model._infrequent_enabled else None
    return np.arange(len(model.categories_[j])) if mapping is None else mapping


def _unknown_group(model: Any, j: int) -> int | None:
    """The index that an unknown value of column ``j`` gets, if infrequent categories include it."""
    if model.handle_unknown not in ("infrequent_if_exist", "warn") or not model._infrequent_enabled:
        return None
    infrequent = model._infrequent_indices[j]
    return None if infrequent is None else int(_grouped(model, j)[infrequent[0]])


def whole_numbers(texts: Sequence[str]) -> Array:
    """What each text is as a whole number, NaN where no whole number is written like that ("01", "x")."""
    return np.array([float(text) if re.fullmatch("0|-?[1-9][0-9]{0,15}", text) else np.nan for text in texts])
