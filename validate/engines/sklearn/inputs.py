"""The inputs of a fitted estimator: one array, text, or a table with one input per column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ParityGateError
from ...samples.types import UNNAMED
from ...signature import STRING, TensorSpec
from .catboost_categories import category_columns, has_categories
from .category_values import (
    category_texts,
    category_values,
    column_names,
    is_booster,
    is_xgboost,
    text_codes,
    with_codes,
)
from .outputs import BATCH
from .walk import PASSTHROUGH, readers, steps_of, unwrap

if TYPE_CHECKING:
    from ...signature import Array, Feed
    from ..base import LoadOptions


@dataclass(frozen=True, slots=True)
class Inputs:
    """The input specs, and how a feed becomes the X that the estimator takes."""

    specs: tuple[TensorSpec, ...]
    assemble: Callable[[Feed], Any]


def inputs_of(estimator: Any, options: LoadOptions) -> Inputs:
    """The inputs of a fitted estimator, from its attributes, ``options.inputs`` and ``options.example``.

    Raises ParityGateError PG206 where its X isn't a table or its width is unknown.
    """
    estimator = unwrap(estimator)
    first = readers(estimator)[:1] or [estimator]
    _refuse_untabular(first[0])
    if _reads_text(first[0]):
        return _text(options)
    if _reads_labels(first[0]):
        return _labels(first[0], options)
    if has_categories(first[0]):
        return _frame(estimator, [str(name) for name in first[0].feature_names_], options)
    if reads_texts(first[0]) and not _fed_as_one(first[0], options):
        return text_columns(first[0], options)
    names = getattr(estimator, "feature_names_in_", None)
    if names is not None and not _fed_as_one(first[0], options) and not reads_codes(first[0]):
        return _frame(estimator, [str(name) for name in names], options)
    return _coded(_array(estimator, options), first[0])


def _coded(inputs: Inputs, reader: Any) -> Inputs:
    """The inputs, with a frame's categories replaced by their codes for a booster that was fitted on them."""
    values = category_values(reader) if reads_codes(reader) else {}
    if not values:
        return inputs
    strict = is_xgboost(reader)
    return Inputs(inputs.specs, lambda feed: with_codes(inputs.assemble(feed), values, reject_unknown=strict))


def text_columns(reader: Any, options: LoadOptions) -> Inputs:
    """One input per column, for a booster that was fitted on a frame with categories of text; X holds their codes."""
    texts, values, strict = category_texts(reader), category_values(reader), is_xgboost(reader)
    names = column_names(reader)
    specs = _column_specs([STRING if at in texts else None for at in range(len(names))], names, options)

    def column(at: int, feed: Feed) -> Array:
        array = feed[specs[at].name].reshape(-1)
        known = texts.get(at)
        codes = known and text_codes(array, known, specs[at].name, reject_unknown=strict)
        return np.asarray(array if codes is None else codes, np.float64)

    def assemble(feed: Feed) -> Array:
        return with_codes(
            np.column_stack([column(at, feed) for at in range(len(specs))]), values, reject_unknown=strict
        )

    return Inputs(specs, assemble)


def _refuse_untabular(reader: Any) -> None:
    """Raise PG206 for dictionaries, ragged lists and images, which are not tensors with a fixed number of columns."""
    wants = {"DictVectorizer": "dictionaries", "FeatureHasher": "dictionaries or pairs", "PatchExtractor": "images",
             "MultiLabelBinarizer": "sets of labels"}  # fmt: skip
    name = type(reader).__name__
    if name in wants:
        raise ParityGateError(
            "PG206",
            name,
            f"it reads {wants[name]}, which can't be passed as a table of columns",
            "Convert the part of the pipeline after it.",
        )


def _reads_text(reader: Any) -> bool:
    return hasattr(reader, "build_analyzer")


def _reads_labels(reader: Any) -> bool:
    return type(reader).__name__ in ("LabelEncoder", "LabelBinarizer")


def reads_texts(reader: Any) -> bool:
    """Whether a booster was fitted on a frame with categories of text."""
    return (is_booster(reader) or reads_codes(reader)) and bool(category_texts(reader))


def reads_codes(reader: Any) -> bool:
    """Whether a booster was fitted on a frame's categories: without the frame, the libraries take their codes."""
    if hasattr(reader, "get_booster"):
        return "c" in (reader.get_booster().feature_types or ())
    return bool(getattr(getattr(reader, "booster_", None), "pandas_categorical", None))


def _fed_as_one(reader: Any, options: LoadOptions) -> bool:
    """Whether the user passes one array to a model that was fitted on a frame: names are then not needed."""
    wide = [len(spec.shape or ()) == 2 and (spec.shape or (0, 0))[1] != 1 for spec in options.inputs]
    if options.example and not wide:
        wide = [array.ndim == 2 and array.shape[1] != 1 for array in options.example.values()]
    return wide == [True] and not hasattr(reader, "transformers_")


def _name(options: LoadOptions, default: str) -> str:
    given = [spec.name for spec in options.inputs] or list(options.example or ())
    return given[0] if len(given) == 1 and not UNNAMED.fullmatch(given[0]) else default


def _text(options: LoadOptions) -> Inputs:
    name = _name(options, "X")
    return Inputs((TensorSpec(name, STRING, (BATCH,)),), lambda feed: feed[name].reshape(-1).astype(object))


def _labels(reader: Any, options: LoadOptions) -> Inputs:
    name = _name(options, "y")
    dtype = _kind_of(reader.classes_) or "int64"
    spec = TensorSpec(name, options.dtype if dtype == "float" else dtype, (BATCH,))
    return Inputs((spec,), lambda feed: feed[name].reshape(-1))


def _array(estimator: Any, options: LoadOptions) -> Inputs:
    width = _width(estimator, options)
    dtypes = set(column_dtypes(estimator, width))
    if STRING in dtypes and len(dtypes) > 1:
        return _columns(estimator, width, options)
    name = _name(options, "X")
    declared = next((spec.dtype for spec in options.inputs if spec.name == name), None)
    known = dtypes.pop() if len(dtypes) == 1 else None
    dtype = declared or (known if known not in (None, "float") else options.dtype)
    spec = TensorSpec(name, str(dtype), (BATCH, width))
    return Inputs((spec,), lambda feed: _widened(feed[name], spec))


def _widened(array: Array, spec: TensorSpec) -> Array:
    """The array in float64 if the spec is float64 and the array is narrower; never the reverse."""
    narrow = spec.dtype == "float64" and array.dtype.kind == "f" and array.dtype.itemsize < 8
    return array.astype(np.float64) if narrow else array


def _width(estimator: Any, options: LoadOptions) -> int:
    # A Pipeline gets its width from its first step, which may be "passthrough".
    for each in [estimator, *readers(estimator)][:2]:
        if known := _known_width(each):
            return known
    shapes: list[Sequence[Any]] = [spec.shape or () for spec in options.inputs]
    shapes += [array.shape for array in (options.example or {}).values()]
    if not shapes or len(shapes[0]) != 2:
        raise ParityGateError(
            "PG206",
            type(estimator).__name__,
            "its number of features is unknown",
            "Declare its input with --input, or provide --samples.",
        )
    return int(shapes[0][1])


def _known_width(estimator: Any) -> int:
    # CatBoost has no feature_names_in_, and reports 0 features after load_model, but default names for them.
    count = getattr(estimator, "n_features_in_", None) or len(getattr(estimator, "feature_names_", None) or ())
    return int(count)


def _columns(estimator: Any, width: int, options: LoadOptions) -> Inputs:
    """An object array of strings and numbers: no tensor holds both, so every column becomes an input."""
    specs = _column_specs(column_dtypes(estimator, width), [f"x{i}" for i in range(width)], options)

    def assemble(feed: Feed) -> Array:
        return np.column_stack([_column(feed, spec).astype(object) for spec in specs])

    return Inputs(specs, assemble)


def _frame(estimator: Any, names: list[str], options: LoadOptions) -> Inputs:
    import pandas as pd

    specs = _column_specs(column_dtypes(estimator, len(names)), names, options)
    return Inputs(specs, lambda feed: pd.DataFrame({spec.name: _column(feed, spec) for spec in specs}))


def _column(feed: Feed, spec: TensorSpec) -> Array:
    array = feed[spec.name]
    return _widened(array.reshape(len(array)), spec)


def _column_specs(dtypes: Sequence[str | None], names: Sequence[str], options: LoadOptions) -> tuple[TensorSpec, ...]:
    declared = {spec.name: spec.dtype for spec in options.inputs}
    example = {name: _kind_of(array) for name, array in (options.example or {}).items()}
    specs = []
    for name, known in zip(names, dtypes, strict=True):
        dtype = declared.get(name) or known or example.get(name) or "float"
        specs.append(TensorSpec(name, options.dtype if dtype == "float" else dtype, (BATCH, 1)))
    return tuple(specs)


def column_dtypes(estimator: Any, width: int) -> list[str | None]:
    """What each column of X holds: ``str``, ``int64``, ``bool``, ``float``, or None if unknown."""
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline

    if estimator in PASSTHROUGH:
        return [None] * width
    if has_categories(estimator):
        return _catboost_dtypes(estimator, width)
    if isinstance(estimator, Pipeline):
        return _pipeline_dtypes(steps_of(estimator), width)
    if isinstance(estimator, ColumnTransformer):
        return _transformer_dtypes(estimator, width)
    if getattr(estimator, "_preprocessor", None) is not None:  # histogram boosting with categorical features
        return column_dtypes(estimator._preprocessor, width)
    if _reads_text(estimator):
        return [STRING] * width
    per_column = getattr(estimator, "categories_", None)
    if per_column is None and hasattr(estimator, "statistics_"):
        per_column = [np.asarray([value]) for value in estimator.statistics_ if value is not None]
    if isinstance(per_column, list) and len(per_column) == width:
        return [_kind_of(values) for values in per_column]
    inside = [reader for reader in readers(estimator) if reader is not estimator]
    return _first_known([column_dtypes(reader, width) for reader in inside], width)


def _catboost_dtypes(model: Any, width: int) -> list[str | None]:
    """Numbers, and text or whole numbers for categories: CatBoost takes no others."""
    dtypes: list[str | None] = ["float"] * width
    for column in category_columns(model):
        dtypes[column.place] = "int64" if column.whole else STRING
    return dtypes


def _pipeline_dtypes(steps: list[Any], width: int) -> list[str | None]:
    """The dtypes from the first steps that know them; imputers pass columns on to the next step."""
    known: list[str | None] = [None] * width
    for step in steps:
        known = _first_known([known, column_dtypes(step, width)], width)
        keeps = hasattr(step, "statistics_") and getattr(step, "indicator_", None) is None
        if not keeps or len(step.statistics_) != width:
            break
    return known


def _transformer_dtypes(transformer: Any, width: int) -> list[str | None]:
    found: list[str | None] = [None] * width
    for name, part, _ in transformer.transformers_:
        if part == "drop":
            continue
        columns = transformer._transformer_to_input_indices[name]
        for column, dtype in zip(columns, column_dtypes(part, len(columns)), strict=True):
            found[column] = found[column] or dtype
    return found


def _first_known(choices: list[list[str | None]], width: int) -> list[str | None]:
    return [next((choice[i] for choice in choices if choice[i]), None) for i in range(width)]


def _kind_of(values: Array) -> str | None:
    """The dtype of known values; missing ones among strings or numbers are ignored."""
    if values.dtype.kind != "O":
        return {"U": STRING, "S": STRING, "i": "int64", "u": "int64", "b": "bool", "f": "float"}.get(values.dtype.kind)
    present = [value for value in values.ravel() if value is not None and value == value]
    if not present:
        return None
    if all(isinstance(value, str) for value in present):
        return STRING
    return _kind_of(np.asarray(present)) if not any(isinstance(value, str) for value in present) else None
