"""Columns of the tables that splits on sets of categories have become; one Gather per feature computes them.

That works with every version of ai.onnx.ml.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike

from .......validate.engines.sklearn.category_values import category_texts, category_values
from .......validate.trees.readers.categories import FIRST, MISSING, OTHER
from ....models.encoders import whole_numbers
from ...declare import EstimatorGraph
from ...tensors import STRING, Tensor
from ..transformers.encoders import code_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from .......validate.trees.readers.categories import Tables


def coded_features(
    g: EstimatorGraph, model: Any, count: int, dtype: DTypeLike, marked: Callable[[Tensor], Tensor] = lambda x: x
) -> Tensor:
    """The features (n, ``count``) in ``dtype``, with codes in place of categories; NaN for what isn't one of them.

    ``marked`` is applied to the features that are given as numbers.
    """
    values, texts = category_values(model), category_texts(model)
    if not values and not texts:
        return marked(g.concat([value.cast(dtype) for value in g.inputs]))
    columns = []
    for at, column in enumerate(g.columns(count)):
        if column.dtype == STRING:
            code = column.reshape(-1).lookup({text: code for code, text in enumerate(texts[at])}, -1).reshape(-1, 1)
            columns.append((code < 0).where(np.nan, code.cast(dtype)))
        else:
            number = marked(column.cast(dtype))
            columns.append(_code(number, values[at]) if at in values else number)
    return g.concat(columns)


def _code(column: Tensor, known: npt.NDArray[np.float64]) -> Tensor:
    equal = column.equals(known.astype(column.dtype)[None]).cast(column.dtype)
    code = equal.argmax().cast(column.dtype).reshape(-1, 1)
    return (equal.max(keepdims=True) > 0.0).where(code, np.nan)


def append_columns(g: EstimatorGraph, x: Sequence[Tensor], tables: Tables, numbers: Mapping[int, Tensor]) -> Tensor:
    """``x`` (in parts), followed by the tables' columns.

    ``numbers`` holds the category numbers of each of the tables' features, int64 (n,).
    """
    kind = x[0].dtype if x else np.float32
    return g.concat([*x, *(g.constant(table).take(numbers[feature]).cast(kind) for feature, table in tables.items())])


def append_code_columns(
    g: EstimatorGraph, x: Tensor, tables: Tables, codes: Tensor, is_legal: Callable[[Tensor], Tensor]
) -> Tensor:
    """``x``, followed by the columns of tables by code. ``codes`` (n, features) holds the codes of their features."""
    numbers = {}
    for feature, table in tables.items():
        code = codes.columns([feature])
        numbers[feature] = _category_number(code, is_legal(code), len(table) - FIRST)
    return append_columns(g, [x], tables, numbers)


def _category_number(code: Tensor, legal: Tensor, count: int) -> Tensor:
    """The numbers (see OTHER) of ``code`` (n, 1) without its fraction, int64 (n,).

    It is a category where ``legal`` holds and below ``count``.
    """
    known = (legal & (code < float(count))).where(code.maximum(0.0).floor() + float(FIRST), OTHER)
    return code.is_nan().where(MISSING, known).cast(np.int64).reshape(-1)


def category_numbers(column: Tensor, texts: Sequence[str]) -> Tensor:
    """The numbers (see OTHER) of a column of text or of whole numbers, int64 (n,), where ``texts`` are known."""
    keys = np.array(texts, object) if column.dtype == STRING else whole_numbers(texts)
    code = code_of(column.reshape(-1, 1), keys)
    return (code > 0).where(code + (FIRST - 1), OTHER, np.int64)
