"""JSON: nested lists by input name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .base import RawSamples, ReadContext, unreadable

if TYPE_CHECKING:
    from ...signature import Array


def read_json(path: Path, context: ReadContext) -> RawSamples:
    """An object of name -> nested lists, or a list of such objects. Raises ParityGateError PG203."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise unreadable(path, f"it is not JSON: {error}") from error
    objects = content if isinstance(content, list) else [content]
    if not objects or not all(isinstance(each, dict) for each in objects):
        raise unreadable(path, "it is neither an object of name -> values nor a list of such objects")
    feeds = [{name: _array(path, name, value) for name, value in each.items()} for each in objects]
    if isinstance(content, list):
        return RawSamples({f"sample {number}": feed for number, feed in enumerate(feeds)}, whole=True)
    return RawSamples({path.name: feeds[0]})


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
