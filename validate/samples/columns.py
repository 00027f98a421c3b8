"""Columns of a table from whatever gives rows: data frames, JSON records, lists of dictionaries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ..signature import Array

_SCALARS = (str, int, float, bool, type(None), np.generic)
_MISSING = {"NoneType", "NAType", "NaTType"}  # pandas' own markers; it isn't imported here


def are_records(entries: Sequence[Any]) -> bool:
    """Whether these are rows: dictionaries with the same keys, each value a single one."""
    rows = bool(entries) and all(isinstance(entry, Mapping) and entry for entry in entries)
    return rows and all(
        entry.keys() == entries[0].keys() and all(isinstance(value, _SCALARS) for value in entry.values())
        for entry in entries
    )


def columns_of_records(records: Sequence[Mapping[str, Any]]) -> dict[str, Array]:
    """The columns of rows that :func:`are_records` accepts. Raises ValueError for one of mixed values."""
    return {str(name): column_of([record[name] for record in records]) for name in records[0]}


def column_of(values: Iterable[Any]) -> Array:
    """Numbers with NaN, or text with "", where a value is missing. Raises ValueError for other or mixed values."""
    array = np.asarray(values) if isinstance(values, np.ndarray) else np.array(list(values), object)
    if array.dtype != object:
        return array
    known = [value for value in array if not _is_missing(value)]
    if known and all(isinstance(value, str) for value in known):
        return np.array(["" if _is_missing(value) else value for value in array], dtype=str)
    if any(isinstance(value, str) or not isinstance(value, _SCALARS) for value in known):
        raise ValueError("it mixes text with numbers, or holds other objects")
    if len(known) == len(array):
        return np.array(list(array))
    return np.array([np.nan if _is_missing(value) else value for value in array], np.float64)


def _is_missing(value: Any) -> bool:
    return type(value).__name__ in _MISSING or (isinstance(value, float) and value != value)
