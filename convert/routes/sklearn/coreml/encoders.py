"""Encoders of categories: Core ML's own one-hot encoder where it does the same, tables otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .....validate.coreml.files.proto import module
from ..onnx.estimators.transformers.encoders import label_table, one_hot_table, ordinal_table, target_table
from .builder import Builder
from .tables import Table, looked_up
from .wires import INT64, STRING, VECTOR, Answer, Columns, Wire, refused

Array = NDArray[Any]
Rows = Callable[[Any, int], Array]
"""The rows for column j of X: 0 is an unknown value, 1 the first category."""


def one_hot_encoder(b: Builder, model: Any, x: Columns) -> Columns:
    """A 1 in the category's place; none for an unknown one, or else an error where the model raises one."""
    columns = b.split(x)
    if all(_is_plain(model, j, wire) for j, wire in enumerate(columns)):
        return tuple(_one_hot(b, model, wire, model.categories_[j]) for j, wire in enumerate(columns))
    return _encoded(b, model, x, one_hot_table)


def _is_plain(model: Any, j: int, wire: Wire) -> bool:
    """Whether a column is text or integers, of which each has a place of its own."""
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
    """The category's number, with numbers of their own for missing and unknown ones."""
    return _encoded(b, model, x, ordinal_table)


def target_encoder(b: Builder, model: Any, x: Columns) -> Columns:
    """The mean target of each category."""
    return _encoded(b, model, x, target_table)


def label_binarizer(b: Builder, model: Any, x: Columns) -> Columns:
    """A mark in the label's place."""
    return (looked_up(b, x, [_table(model.classes_, label_table(model))]),)


def label_encoder(b: Builder, model: Any, x: Columns) -> Answer:
    """A text's number; an unknown text is an error, as it is to the model. Raises PG404 for other labels than text."""
    if x[0].kind != STRING:
        raise refused(model, "Core ML looks up numbers for texts only")
    code = b.wire("code", INT64)
    table = b.stage(x, (code,)).categoricalMapping.stringToInt64Map
    table.map.update({str(label): number for number, label in enumerate(model.classes_)})
    return Answer({"transformed": code})


def _encoded(b: Builder, model: Any, x: Columns, rows: Rows) -> Columns:
    tables = [_table(np.asarray(categories), rows(model, j)) for j, categories in enumerate(model.categories_)]
    return (looked_up(b, x, tables),)


def _table(categories: Array, rows: Array) -> Table:
    """Missing values have the row of the category that is no value, else that of unknown ones."""
    values = categories.tolist()
    is_value = np.array([value is not None and value == value for value in values])
    absent = np.flatnonzero(~is_value)
    missing = rows[1 + absent[0]] if len(absent) else rows[0]
    keys = [value for value, kept in zip(values, is_value, strict=True) if kept]
    return Table(keys, rows[1:][is_value], rows[0], missing)


PREDICTORS = {"LabelEncoder": label_encoder}

TRANSFORMERS = {
    "LabelBinarizer": label_binarizer,
    "OneHotEncoder": one_hot_encoder,
    "OrdinalEncoder": ordinal_encoder,
    "TargetEncoder": target_encoder,
}
