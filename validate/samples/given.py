"""Samples that a notebook holds: written to a file of the job, from which the worker reads them as it reads any other.

A data frame is a table, as a CSV file is; a dictionary of arrays is an .npz, a single array an .npy; a list of
dictionaries is a table where each is a row of single values, else a list of samples, as in JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ParityGateError
from ..options import GivenSamples, SampleOptions
from .columns import are_records, column_of, columns_of_records
from .formats.base import RawSamples, ReadContext, name_by_position
from .formats.tables import bind_columns
from .job_file import load_given, save_given

if TYPE_CHECKING:
    from ..signature import Array

_TABLE, _NAMED, _SINGLE, _SEVERAL = "table", "arrays", "array", "samples"
_FORMS = "a path, a DataFrame, an array or tensor, a dictionary of them by input name, or a list of such dictionaries"


def stored(options: SampleOptions, folder: Path) -> SampleOptions:
    """The options with a file in ``folder`` in place of live samples. Raises ParityGateError PG204."""
    assert isinstance(options.samples, GivenSamples)
    kind, title, feeds = _taken(options.samples.value)
    path = folder / "given.npz"
    save_given(path, kind, title, feeds)
    return replace(options, samples=path)


def read_given(path: Path, context: ReadContext) -> tuple[RawSamples, str]:
    """What :func:`stored` has written, and how the report calls it. Raises ParityGateError PG204."""
    kind, title, feeds = load_given(path)
    if kind == _TABLE:
        return bind_columns(Path(title), feeds[0], context, header=True), title
    if kind == _SINGLE:
        return RawSamples({title: name_by_position(title, list(feeds[0].values()), context)}), title
    if kind == _NAMED:
        return RawSamples({title: feeds[0]}), title
    return RawSamples({f"sample {number}": feed for number, feed in enumerate(feeds)}, whole=True), title


def _taken(value: Any) -> tuple[str, str, Sequence[Mapping[str, Array]]]:
    """(kind, title, feeds) of what was given as ``samples``."""
    if hasattr(value, "columns") and hasattr(value, "__getitem__"):  # pandas and others of its kind
        columns = {str(name): _column(str(name), value[name]) for name in value.columns}
        return _TABLE, f"a {type(value).__name__} with {len(value)} rows", [columns]
    if isinstance(value, Mapping):
        return _NAMED, "arrays by name", [_feed(value)]
    if isinstance(value, list | tuple) and are_records(value):
        return _TABLE, f"a list of {len(value)} rows", [_records(value)]
    if isinstance(value, list | tuple) and value and all(isinstance(entry, Mapping) for entry in value):
        return _SEVERAL, f"a list of {len(value)} samples", list(map(_feed, value))
    if hasattr(value, "__array__"):
        array = _array("samples", value)
        return _SINGLE, f"an array of shape {array.shape}", [{"input_0": array}]
    raise ParityGateError(
        "PG204", "samples", f"an object of type {type(value).__name__} can't be read", f"Give {_FORMS}."
    )


def _feed(arrays: Mapping[Any, Any]) -> dict[str, Array]:
    return {str(name): _array(f"'{name}' of the samples", value) for name, value in arrays.items()}


def _array(subject: str, value: Any) -> Array:
    """An array, a tensor of PyTorch's (on whatever device, with a gradient or not) or nested lists, as an array."""
    try:
        if hasattr(value, "detach"):
            value = value.detach().cpu()
            value = value.float() if str(value.dtype) == "torch.bfloat16" else value  # numpy has no such dtype
        array = np.asarray(value)
    except (ValueError, TypeError, RuntimeError) as error:
        raise ParityGateError("PG204", subject, f"it can't be made an array: {error}") from error
    return column_of(array) if array.dtype == object and array.ndim == 1 else array


def _column(name: str, values: Any) -> Array:
    try:
        return column_of(np.asarray(values))
    except ValueError as error:
        raise ParityGateError("PG204", f"column '{name}'", str(error), "Convert or drop it.") from error


def _records(rows: Sequence[Mapping[str, Any]]) -> dict[str, Array]:
    try:
        return columns_of_records(rows)
    except ValueError as error:
        raise ParityGateError("PG204", "samples", f"a column can't be read: {error}") from error
