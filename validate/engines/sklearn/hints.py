"""Plausible values for an estimator's inputs, from what its fitted parts hold about their training data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...signature import STRING, Hint
from .catboost_categories import category_columns
from .category_values import category_texts, category_values, is_xgboost
from .function_domains import FunctionDomain, domain_of
from .inputs import reads_texts
from .ranges import allows_nan, range_of
from .thresholds import thresholds_of
from .walk import PASSTHROUGH, inner, is_passthrough, readers, steps_of, unwrap

if TYPE_CHECKING:
    import numpy.typing as npt

    from ...signature import Array, TensorSpec

    Floats = npt.NDArray[np.float64]

_MAX_POINTS = 340  # 340 points with both neighbours, and zero, are the 1021 rows of a table at its thresholds
_MAX_TERMS = 300

_ODD_LETTERS = (
    "STRASSE stra\u00dfe STRA\u1e9eE",
    "caf\u00e9 cafe\u0301 CAFE\u0301",
    "\u01c4 \u01c5 \U0001f600 \U00010400",
)
"""Sharp s in both cases, an accent as a letter and as a mark, a letter with three cases, letters beyond 16 bits."""


@dataclass(frozen=True, slots=True)
class Column:
    """What is known about one column of X; an unknown bound is NaN."""

    low: float = np.nan
    high: float = np.nan
    points: Floats = field(default_factory=lambda: np.empty(0))
    vocabulary: tuple[Any, ...] = ()
    missing: bool = False
    unknown: bool = False


def hints_of(estimator: Any, specs: Sequence[TensorSpec]) -> tuple[Hint, ...]:
    """One hint per input. ``specs`` are the inputs: one for the whole of X, or one for each column."""
    estimator = unwrap(estimator)
    first = (readers(estimator) or [estimator])[0]
    if hasattr(first, "build_analyzer"):
        return (Hint(specs[0].name, vocabulary=_documents(first), unknown=True),)
    if len(specs[0].shape or ()) == 1:
        return (Hint(specs[0].name, vocabulary=tuple(first.classes_.tolist())),)
    columns = columns_of(estimator, _width(specs))
    if len(specs) == len(columns):
        return tuple(_column_hint(spec, column) for spec, column in zip(specs, columns, strict=True))
    return (_matrix_hint(specs[0], [_coded(column, specs[0]) for column in columns]),)


def plausible_rows(estimator: Any, specs: Sequence[TensorSpec], count: int) -> dict[str, Array]:
    """``count`` equal rows that the estimator should accept: first categories, midpoints of ranges, ones."""
    if len(specs[0].shape or ()) == 1:
        return {hint.name: np.full(count, hint.vocabulary[0]) for hint in hints_of(estimator, specs)}
    columns = columns_of(unwrap(estimator), _width(specs))
    row = [_typical(_coded(column, specs[0]) if len(specs) == 1 else column) for column in columns]
    per_input = [[value] for value in row] if len(specs) == len(row) else [row]
    dtypes = [str if spec.dtype == STRING else spec.dtype for spec in specs]
    return {
        spec.name: np.repeat(np.array([values]).astype(dtype), count, axis=0)
        for spec, values, dtype in zip(specs, per_input, dtypes, strict=True)
    }


def _coded(column: Column, spec: TensorSpec) -> Column:
    """The column with codes in place of texts, where ``spec`` is a matrix of numbers."""
    if spec.dtype == STRING or not _is_text(column.vocabulary):
        return column
    return replace(column, vocabulary=tuple(map(float, range(len(column.vocabulary)))))


def _typical(column: Column) -> Any:
    if column.vocabulary:
        return column.vocabulary[0]
    ends = [end for end in (column.low, column.high) if np.isfinite(end)]
    return sum(ends) / len(ends) if ends else 1.0


def _width(specs: Sequence[TensorSpec]) -> int:
    return len(specs) if len(specs) > 1 else int((specs[0].shape or (0, 1))[1])


def _column_hint(spec: TensorSpec, column: Column) -> Hint:
    known = () if np.isnan(column.low) else (column.low,), () if np.isnan(column.high) else (column.high,)
    low, high = (np.asarray(bound[0]) if bound else None for bound in known)
    points = (column.points,) if column.points.size else ()
    return Hint(spec.name, low, high, points, column.vocabulary, column.missing, column.unknown)


def _matrix_hint(spec: TensorSpec, columns: list[Column]) -> Hint:
    low = np.array([-np.inf if np.isnan(column.low) else column.low for column in columns])
    high = np.array([np.inf if np.isnan(column.high) else column.high for column in columns])
    points = tuple(column.points for column in columns) if any(column.points.size for column in columns) else ()
    categories = tuple(column.vocabulary for column in columns)
    everything_known = sorted(set().union(*categories)) if all(categories) else []
    return Hint(
        spec.name,
        low if np.isfinite(low).any() else None,
        high if np.isfinite(high).any() else None,
        points,
        tuple(everything_known),
        all(column.missing for column in columns),
        all(column.unknown for column in columns),
        categories if any(categories) else (),
    )


def columns_of(estimator: Any, width: int) -> list[Column]:
    """What ``estimator`` and the estimators inside of it know about the ``width`` columns that it takes."""
    from sklearn.pipeline import FeatureUnion, Pipeline

    if estimator in PASSTHROUGH:
        return [Column(missing=True)] * width
    if isinstance(estimator, Pipeline):
        after: list[Column] | None = None
        for step in reversed(steps_of(estimator)):
            after = _before(step, after, int(getattr(step, "n_features_in_", width)))
        return after if after is not None and len(after) == width else [Column()] * width
    if isinstance(estimator, FeatureUnion):
        parts = [part for _, part in estimator.transformer_list if part not in ("drop", *PASSTHROUGH)]
        return _merge([columns_of(part, width) for part in parts], width)
    return _before(estimator, None, width)


def _before(step: Any, after: list[Column] | None, width: int) -> list[Column]:
    """What is known about a step's inputs, given what is known about its outputs (None: it is the last step)."""
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import FeatureUnion, Pipeline

    if isinstance(step, ColumnTransformer):
        return _split(step, after, width)
    if isinstance(step, Pipeline | FeatureUnion):
        return columns_of(step, width)
    if (domain := domain_of(step)) is not None:
        return _arguments(
            domain, after if after is not None and len(after) == width else [Column(missing=True)] * width
        )
    own = _own(step, width)
    if after is None:
        return own
    keeps = len(after) == width
    if keeps and hasattr(step, "statistics_"):
        return [replace(column, missing=column.missing or _fills(step, column)) for column in after]
    if keeps and _is_elementwise(step):
        return [_joined(near, later) for near, later in zip(own, _inverted(step, after), strict=True)]
    passes = all(column.missing for column in after) or _absorbs_missing(step)
    return [replace(column, missing=column.missing and passes) for column in own]


def _arguments(domain: FunctionDomain, after: list[Column]) -> list[Column]:
    """What is known about a function's arguments, from its domain and from what is known about its values."""
    ends = [np.array([column.low, column.high]) for column in after]
    low = [domain.low if np.isnan(end[0]) else domain.inverted(end)[0] for end in ends]
    high = [domain.high if np.isnan(end[1]) else domain.inverted(end)[1] for end in ends]
    points = [domain.inverted(column.points) for column in after]
    return [
        replace(column, low=low[at], high=high[at], points=points[at], vocabulary=()) for at, column in enumerate(after)
    ]


def _fills(imputer: Any, column: Column) -> bool:
    """Whether an imputer fills what samples hold as missing: NaN among numbers, the empty string among text."""
    if _is_text(column.vocabulary):
        return bool(imputer.missing_values == "")
    return bool(imputer.missing_values != imputer.missing_values)


def _is_text(vocabulary: tuple[Any, ...]) -> bool:
    return bool(vocabulary) and isinstance(vocabulary[0], str)


def _absorbs_missing(step: Any) -> bool:
    return hasattr(step, "categories_") or type(step).__name__ in ("KNNImputer", "IterativeImputer", "MissingIndicator")


def _split(transformer: Any, after: list[Column] | None, width: int) -> list[Column]:
    """A ColumnTransformer gives every part its own columns; columns that no part takes are unconstrained."""
    found = [Column(missing=True)] * width
    for name, part, _ in transformer.transformers_:
        places = list(transformer._transformer_to_input_indices[name])
        if part == "drop" or not places:
            continue
        then = after[transformer.output_indices_[name]] if after is not None else None
        if is_passthrough(part):
            columns = then or [Column()] * len(places)
        elif then is not None and (_is_elementwise(part) or domain_of(part) is not None):
            columns = _before(part, then, len(places))
        else:
            columns = columns_of(part, len(places))
        for place, column in zip(places, columns, strict=True):
            found[place] = column
    return found


def _joined(near: Column, later: Column) -> Column:
    """The range of the nearer step if known, the points of the later one; both must accept missing values."""
    low = later.low if np.isnan(near.low) else near.low
    high = later.high if np.isnan(near.high) else near.high
    return replace(later, low=low, high=high, missing=near.missing and later.missing)


def _merge(choices: list[list[Column]], width: int) -> list[Column]:
    """The combined knowledge of several estimators that read the same columns."""
    merged = []
    for same in zip(*(choice for choice in choices if len(choice) == width), strict=True):
        first = next((c for c in same if not np.isnan(c.low)), same[0])
        points = _thinned(np.concatenate([column.points for column in same]))
        merged.append(replace(first, points=points, missing=all(column.missing for column in same)))
    return merged or [Column()] * width


def _thinned(points: Floats) -> Floats:
    points = np.unique(points[np.isfinite(points)])
    return points[np.linspace(0, len(points) - 1, _MAX_POINTS).astype(int)] if len(points) > _MAX_POINTS else points


def _is_elementwise(step: Any) -> bool:
    return type(step).__name__ in ("StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler", "PowerTransformer")


def _inverted(step: Any, after: list[Column]) -> list[Column]:
    """The columns before a scaler, from its own ``inverse_transform``."""
    deepest = max(column.points.size for column in after)
    table = np.full((2 + deepest, len(after)), np.nan)
    for i, column in enumerate(after):
        table[:2, i] = column.low, column.high
        table[2 : 2 + column.points.size, i] = column.points
    back = step.inverse_transform(table)
    columns = []
    for i, column in enumerate(after):
        points = np.unique(back[2:, i][np.isfinite(back[2:, i])])
        columns.append(replace(column, low=back[0, i], high=back[1, i], points=points))
    return columns


def _own(estimator: Any, width: int) -> list[Column]:
    """What one estimator knows: categories, ranges, stored rows, thresholds."""
    if hasattr(estimator, "categories_"):
        return [_category(estimator, np.asarray(values)) for values in estimator.categories_]
    if hasattr(estimator, "n_categories_"):
        return [Column(vocabulary=tuple(map(float, range(count)))) for count in estimator.n_categories_]
    encoder = getattr(estimator, "_preprocessor", None)  # histogram boosting with categorical features
    members = [member for member in inner(estimator) if not hasattr(member, "tree_")]
    members += [] if encoder is None else [encoder]
    columns = _merge([columns_of(member, width) for member in members], width)
    low, high = range_of(estimator, width)
    missing = allows_nan(estimator)
    points = thresholds_of(estimator, width)
    found = [
        replace(
            column,
            low=column.low if np.isnan(low[i]) else low[i],
            high=column.high if np.isnan(high[i]) else high[i],
            points=_thinned(np.concatenate([column.points, points[i]])),
            missing=missing,
        )
        for i, column in enumerate(columns)
    ]
    for at, known in category_values(estimator).items():
        found[at] = Column(vocabulary=tuple(known.tolist()), missing=missing)
    for at, texts in (category_texts(estimator) if reads_texts(estimator) else {}).items():
        found[at] = Column(vocabulary=texts, unknown=not is_xgboost(estimator))
    for column in category_columns(estimator):
        found[column.place] = Column(vocabulary=column.vocabulary(), unknown=True)
    return found


def _category(encoder: Any, values: npt.NDArray[Any]) -> Column:
    present = [value for value in values.tolist() if value is not None and value == value]
    unknown = getattr(encoder, "handle_unknown", "ignore") != "error"
    has_nan = len(present) < len(values) and not _is_text(tuple(present))  # a tensor of text holds no NaN
    return Column(vocabulary=tuple(present), missing=has_nan, unknown=unknown)


def _documents(vectorizer: Any) -> tuple[str, ...]:
    """Texts of the vectorizer's own terms: alone, several together, in capitals, punctuated, unknown, empty, with odd
    letters.
    """
    terms = sorted(getattr(vectorizer, "vocabulary_", None) or {"one": 0, "two": 1})
    terms = terms[:: max(1, len(terms) // _MAX_TERMS)]
    joined = [" ".join(terms[i::7][:12]) for i in range(7)]
    marked = [", ".join(terms[:5]) + "!", " ".join(terms[-4:]).upper(), "zzqx " + terms[0], "", "  "]
    odd = [f"{terms[0]} {letters} {terms[-1]}" for letters in _ODD_LETTERS]
    return (*terms, *joined, *marked, *odd)
