"""Encoders of categories: Core ML's own one-hot encoder where it is equivalent, else tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .....validate.coreml.files.proto import module
from ..models.encoders import label_table, one_hot_table, ordinal_table, target_table
from .builder import Builder
from .tables import Table, look_up
from .wires import INT64, STRING, VECTOR, Columns, Outputs, Wire, unsupported

Array = NDArray[Any]
MakeTable = Callable[[Any, int], Array]
"""(encoder, j) -> the table for column j of X: entry 0 is for an unknown value, 1 for the first category."""


def one_hot_encoder(b: Builder, model: Any, x: Columns) -> Columns:
    """A 1 in the category's place; no 1 for an unknown one, or an error where the estimator raises one."""
    columns = b.split(x)
    if all(_is_plain(model, j, wire) for j, wire in enumerate(columns)):
        return tuple(_one_hot(b, model, wire, model.categories_[j]) for j, wire in enumerate(columns))
    return _encoded(b, model, x, one_hot_table)


def _is_plain(model: Any, j: int, wire: Wire) -> bool:
    """Whether a column is text or integers, each with a place of its own."""
    table, count = one_hot_table(model, j), len(model.categories_[j])
    one_by_one = table.shape == (count + 1, count) and np.array_equal(table[1:], np.eye(count)) and not table[0].any()
    kinds = {STRING: str, INT64: int}
    return one_by_one and all(isinstance(v, kinds.get(wire.kind, ())) for v in model.categories_[j].tolist())


def _one_hot(b: Builder, model: Any, wire: Wire, categories: Array) -> Wire:
    places = b.wire("places", VECTOR, len(categories))
    body = b.stage((wire,), (places,)).oneHotEncoder
    (body.stringCategories if wire.kind == STRING else body.int64Categories).vector.extend(categories.tolist())
    unknown = module("OneHotEncoder_pb2").OneHotEncoder
    body.handleUnknown = unknown.ErrorOnUnknown if model.handle_unknown == "error" else unknown.IgnoreUnknown
    return places


def ordinal_encoder(b: Builder, model: Any, x: Columns) -> Columns:
    """The category's number; missing and unknown ones have numbers of their own."""
    return _encoded(b, model, x, ordinal_table)


def target_encoder(b: Builder, model: Any, x: Columns) -> Columns:
    """The mean target of each category."""
    return _encoded(b, model, x, target_table)


def label_binarizer(b: Builder, model: Any, x: Columns) -> Columns:
    """A mark in the label's place."""
    return (look_up(b, x, [_table(model.classes_, label_table(model))]),)


def label_encoder(b: Builder, model: Any, x: Columns) -> Outputs:
    """A text's number; an unknown text is an error, as for the estimator. Raises PG404 for other labels than text."""
    if x[0].kind != STRING:
        raise unsupported(model, "Core ML maps only text to numbers")
    code = b.wire("code", INT64)
    table = b.stage(x, (code,)).categoricalMapping.stringToInt64Map
    table.map.update({str(label): number for number, label in enumerate(model.classes_)})
    return Outputs({"transformed": code})


def _encoded(b: Builder, model: Any, x: Columns, make: MakeTable) -> Columns:
    tables = [_table(np.asarray(categories), make(model, j)) for j, categories in enumerate(model.categories_)]
    return (look_up(b, x, tables),)


def _table(categories: Array, entries: Array) -> Table:
    """Missing values have the entry of the category that is NaN or None, else that of unknown ones."""
    values = categories.tolist()
    is_value = np.array([value is not None and value == value for value in values])
    absent = np.flatnonzero(~is_value)
    missing = entries[1 + absent[0]] if len(absent) else entries[0]
    keys = [value for value, kept in zip(values, is_value, strict=True) if kept]
    return Table(keys, entries[1:][is_value], entries[0], missing)


PREDICTORS = {"LabelEncoder": label_encoder}

TRANSFORMERS = {
    "LabelBinarizer": label_binarizer,
    "OneHotEncoder": one_hot_encoder,
    "OrdinalEncoder": ordinal_encoder,
    "TargetEncoder": target_encoder,
}
