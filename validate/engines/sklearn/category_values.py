"""Columns of categories that a booster was fitted on: a frame's values become the codes that its trees compare.

Fed a frame, LightGBM and XGBoost replace each category by its number; fed a matrix, they take the matrix for numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ParityGateError

if TYPE_CHECKING:
    from ...signature import Array

_MARK = "[categorical_feature: "
_MOST_SHOWN = 8


def category_values(model: Any) -> dict[int, Array]:
    """Column -> its categories in the order of their codes, where these are numbers but not the codes themselves.

    ``model`` is a Booster of LightGBM or XGBoost, or its scikit-learn class; other models have no such columns.
    """
    return {at: array for at, array in _numeric(model).items() if not np.array_equal(array, np.arange(len(array)))}


def category_texts(model: Any) -> dict[int, tuple[str, ...]]:
    """The same for categories that aren't numbers. A model with some takes its columns one by one."""
    return {at: tuple(map(str, known)) for at, known in _categories(model).items() if not _is_numeric(known)}


def with_codes(x: Array, values: Mapping[int, Array], *, reject_unknown: bool) -> Array:
    """``x`` (n, features) with codes in place of the values, NaN for what isn't a category.

    Raises ParityGateError PG406 for that with ``reject_unknown``: XGBoost refuses it in a frame, LightGBM doesn't.
    """
    coded = x.copy()
    for column, known in values.items():
        equal = x[:, column, None] == known.astype(x.dtype)
        found = equal.any(1)
        if reject_unknown and (lost := x[~found & ~np.isnan(x[:, column]), column]).size:
            cause = f"column {column} holds {lost[0]:g}, which is not one of the categories that it was fitted on"
            raise ParityGateError("PG406", "XGBoost", cause, "Leave such rows out.")
        coded[:, column] = np.where(found, equal.argmax(1), np.nan)
    return coded


def text_codes(column: Array, known: Sequence[str], name: str, *, reject_unknown: bool) -> Array:
    """The codes (n,), float64, of a column (n,) of text, NaN for what isn't a category; empty text is missing.

    Raises ParityGateError PG406 for that with ``reject_unknown``: XGBoost refuses it in a frame, LightGBM doesn't.
    """
    equal = column[:, None] == np.array(known, column.dtype if column.dtype == object else None)
    found = equal.any(1)
    if reject_unknown and (lost := [text for text in column[~found].tolist() if text]):
        cause = f"column '{name}' holds {lost[0]!r}, which is not one of the categories that it was fitted on"
        raise ParityGateError("PG406", "XGBoost", cause, "Leave such rows out.")
    return np.where(found, equal.argmax(1), np.nan)


def legend(column: int, texts: Sequence[str]) -> str:
    """Which code stands for which text, as a note."""
    shown = ", ".join(f"{code} is {text!r}" for code, text in enumerate(texts[:_MOST_SHOWN]))
    more = ", ..." if len(texts) > _MOST_SHOWN else ""
    return f"column {column} takes codes of categories, as pandas' .cat.codes: {shown}{more}"


def column_names(model: Any) -> list[str]:
    """The names of the columns that a booster of LightGBM or XGBoost, or its scikit-learn class, was fitted on."""
    if is_xgboost(model):
        return list((model.get_booster() if hasattr(model, "get_booster") else model).feature_names)
    return list(getattr(model, "booster_", model).feature_name())


def is_booster(value: Any) -> bool:
    """Whether an object is the Booster of XGBoost or LightGBM."""
    package = type(value).__module__.partition(".")[0]
    return type(value).__name__ == "Booster" and package in ("xgboost", "lightgbm")


def is_xgboost(model: Any) -> bool:
    """Whether the model is XGBoost's."""
    return type(model).__module__.partition(".")[0] == "xgboost"


def _numeric(model: Any) -> dict[int, Array]:
    return {at: np.array(known, np.float64) for at, known in _categories(model).items() if _is_numeric(known)}


def _is_numeric(known: Sequence[Any]) -> bool:
    return all(isinstance(value, int | float) for value in known)


def _categories(model: Any) -> dict[int, Sequence[Any]]:
    if is_xgboost(model):
        return _of_xgboost(model.get_booster() if hasattr(model, "get_booster") else model)
    booster = getattr(model, "booster_", model)
    known = getattr(booster, "pandas_categorical", None)
    return dict(zip(_columns_of_lightgbm(booster), known, strict=True)) if known else {}


def _of_xgboost(booster: Any) -> dict[int, Sequence[Any]]:
    if "c" not in (booster.feature_types or ()):
        return {}
    columns = booster.get_categories(export_to_arrow=True).to_arrow()
    return {at: array.to_pylist() for at, (_, array) in enumerate(columns) if array is not None}


def _columns_of_lightgbm(booster: Any) -> list[int]:
    """The categorical columns, as the model's own text lists them. Raises PG404 where it doesn't."""
    text = booster.model_to_string(num_iteration=1)
    line = next((line for line in text.splitlines() if line.startswith(_MARK)), "")
    columns = [int(each) for each in line.removeprefix(_MARK).rstrip("]").split(",") if each]
    if len(columns) != len(booster.pandas_categorical):
        cause = "the file says which categories it was fitted on, but not in which columns"
        raise ParityGateError("PG404", "LightGBM", cause, "Save the fitted model again, with its parameters.")
    return columns
