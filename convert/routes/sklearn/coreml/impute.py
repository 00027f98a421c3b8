"""Missing values: filled in, or marked."""

from __future__ import annotations

from typing import Any

import numpy as np

from .....validate.coreml.files.proto import Message
from .builder import Builder
from .tables import Table, look_up
from .wires import DOUBLE, INT64, STRING, VECTOR, Columns, Wire, unsupported


def simple_imputer(b: Builder, model: Any, x: Columns) -> Columns:
    """A constant for each column in place of missing values; columns without a constant are dropped."""
    statistics = list(model.statistics_)
    kept = [i for i, value in enumerate(statistics) if model.keep_empty_features or value == value]
    filled: Columns = ()
    place = 0
    for wire in b.select(x, kept):
        own = [statistics[i] for i in kept[place : place + wire.width]]
        filled += (_filled(b, model, wire, own),)
        place += wire.width
    return filled + missing_indicator(b, model.indicator_, x) if model.add_indicator else filled


def _filled(b: Builder, model: Any, wire: Wire, values: list[Any]) -> Wire:
    """The wire with ``values`` in place of the marker. Text and integers hold no NaN, so nothing is missing there."""
    marker = model.missing_values
    is_nan = marker is None or marker != marker
    if is_nan and wire.kind in (STRING, INT64):
        return wire
    if isinstance(marker, str) != (wire.kind == STRING):
        raise unsupported(model, f"'{wire.name}' can't hold the missing value {marker!r}")
    values = np.asarray(values, np.float32).tolist() if wire.single else values
    result = b.wire("filled", wire.kind, wire.width, single=wire.single)
    body = b.stage((wire,), (result,)).imputer
    _FILLERS[wire.kind](body, values, np.nan if is_nan else marker)
    return result


def replaced(b: Builder, x: Columns, marker: float, value: float) -> Wire:
    """The columns as one vector, with ``value`` wherever ``marker`` stands; either may be NaN."""
    vector = b.vector(x)
    result = b.wire("filled", vector.kind, vector.width)
    _vector(b.stage((vector,), (result,)).imputer, [value] * vector.width, marker)
    return result


def _vector(body: Message, values: list[Any], marker: Any) -> None:
    body.imputedDoubleArray.vector.extend(values)
    body.replaceDoubleValue = marker


def _double(body: Message, values: list[Any], marker: Any) -> None:
    body.imputedDoubleValue = values[0]
    body.replaceDoubleValue = marker


def _int64(body: Message, values: list[Any], marker: Any) -> None:
    body.imputedInt64Value = int(values[0])
    body.replaceInt64Value = int(marker)


def _text(body: Message, values: list[Any], marker: Any) -> None:
    body.imputedStringValue = values[0]
    body.replaceStringValue = marker


_FILLERS = {VECTOR: _vector, DOUBLE: _double, INT64: _int64, STRING: _text}


def missing_indicator(b: Builder, model: Any, x: Columns) -> Columns:
    """A 1 where a value is missing, in the columns that the indicator reports."""
    marker = model.missing_values
    keys = [] if marker is None or marker != marker else [marker]
    no, yes = np.zeros(1), np.ones(1)
    table = Table(keys, np.ones((len(keys), 1)), no, no if keys else yes)
    return (look_up(b, b.select(x, list(model.features_)), [table] * len(model.features_)),)


TRANSFORMERS = {"SimpleImputer": simple_imputer, "MissingIndicator": missing_indicator}
