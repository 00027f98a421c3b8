"""JSON: nested lists by input name, or a table as pandas writes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..columns import are_records, column_of, columns_of_records
from .base import RawSamples, ReadContext, unreadable
from .tables import bind_columns

if TYPE_CHECKING:
    from ...signature import Array


def read_json(path: Path, context: ReadContext) -> RawSamples:
    """An object of name -> nested lists, a list of such objects, or the rows or columns of a table.

    Rows are objects with the same keys and single values, as ``DataFrame.to_json(orient="records")`` writes them. For a
    model whose inputs are scalars each of them is a sample. Raises ParityGateError PG203.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise unreadable(path, f"it is not JSON: {error}") from error
    if (columns := _table(path, content, context)) is not None:
        return bind_columns(path, columns, context, header=True)
    objects = content if isinstance(content, list) else [content]
    if not objects or not all(isinstance(each, dict) for each in objects):
        raise unreadable(path, "it is neither an object of name -> values nor a list of such objects")
    feeds = [{name: _array(path, name, value) for name, value in each.items()} for each in objects]
    if isinstance(content, list):
        return RawSamples({f"sample {number}": feed for number, feed in enumerate(feeds)}, whole=True)
    return RawSamples({path.name: feeds[0]})


def _table(path: Path, content: Any, context: ReadContext) -> dict[str, Array] | None:
    """The columns of a table; None for what isn't one."""
    scalars = bool(context.inputs) and all(spec.shape == () for spec in context.inputs)
    try:
        if isinstance(content, list) and are_records(content) and not scalars:
            return columns_of_records(content)
        if isinstance(content, dict) and _is_of_columns(content):
            return {name: column_of(rows.values()) for name, rows in content.items()}
    except ValueError as error:
        raise unreadable(path, f"a column can't be read: {error}") from error
    return None


def _is_of_columns(content: dict[str, Any]) -> bool:
    """Whether this is column -> (number of the row -> value), with the same rows in each: pandas' default."""
    rows = [set(column) if isinstance(column, dict) else set() for column in content.values()]
    return bool(rows) and all(each and each == rows[0] and all(map(str.isdecimal, each)) for each in rows)


def _array(path: Path, name: str, value: Any) -> Array:
    """Nested lists as an array; null among numbers is NaN."""
    try:
        array = np.array(value)
        if array.dtype == object:
            array = np.array(value, np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        raise unreadable(path, f"'{name}' is not an array of numbers or text: {error}") from error
    if array.dtype.kind == "U" and not all(isinstance(leaf, str) for leaf in np.array(value, object).flat):
        raise unreadable(path, f"'{name}' mixes text with numbers")
    return array
