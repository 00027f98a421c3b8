"""Text categories of CatBoost's models, which keep only hashes of them.

A tree splits by whether a category's hash is a certain number. The texts behind the numbers are looked for among the
user's samples, and then among short texts and small numbers; CatBoost itself computes their hashes.
"""

from __future__ import annotations

import ast
import json
import re
import string
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ParityGateError

if TYPE_CHECKING:
    from ...signature import Array

_KNOWN = "paritygate_categories"
"""The attribute in which a copy of the model holds what was found out, as :class:`_Known`."""

_WHOLE = re.compile("0|-?[1-9][0-9]{0,15}")
"""How Python and CatBoost write a whole number."""

_LETTERS = string.ascii_letters + string.digits + " _.-"
_LONGEST_GUESS, _GREATEST_GUESS = 3, 9999
_MOST_SHOWN = 8


@dataclass(frozen=True, slots=True)
class CategoryColumn:
    """A column of categories: its number among these, its place among all columns, its name, and what splits it.

    Trees split by ``hashes``; the text of each is None where it isn't known. ``whole`` says that the column holds whole
    numbers in place of text, which have the hashes of their digits.
    """

    number: int
    place: int
    name: str
    hashes: tuple[int, ...]
    texts: tuple[str | None, ...]
    whole: bool

    def vocabulary(self) -> tuple[str | int, ...]:
        """The known categories, as the column holds them."""
        known = [text for text in self.texts if text is not None]
        return tuple(map(int, filter(_WHOLE.fullmatch, known)) if self.whole else known)

    def keys(self) -> tuple[str, ...]:
        """The texts. Raises ParityGateError PG404 where one isn't known."""
        known = tuple(text for text in self.texts if text is not None)
        if len(known) < len(self.texts):
            count = len(self.texts) - len(known)
            cause = (
                f"CatBoost keeps only hashes of the categories of '{self.name}', and the samples don't hold the texts "
                f"of {count} of the {len(self.texts)} by which its trees split"
            )
            raise ParityGateError("PG404", "CatBoost", cause, "Provide --samples in which every category occurs.")
        return known


@dataclass(frozen=True, slots=True)
class _Known:
    """Hash -> text, and the names of the columns that were given as whole numbers, or None without samples."""

    texts: Mapping[int, str] = field(default_factory=dict)
    whole: frozenset[str] | None = None

    def is_whole(self, name: str, texts: Sequence[str | None]) -> bool:
        """Whether a column holds whole numbers: as the samples do, else if all its categories are some."""
        other = [text for text in texts if text is None or not _WHOLE.fullmatch(text)]
        if self.whole is None:
            return bool(texts) and not other
        return name in self.whole and not any(other)


def is_catboost(model: Any) -> bool:
    """Whether the model is CatBoost's."""
    return type(model).__module__.partition(".")[0] == "catboost"


def has_categories(model: Any) -> bool:
    """Whether the model is CatBoost's and has columns of categories."""
    return is_catboost(model) and bool(model.get_cat_feature_indices())


def category_columns(model: Any) -> tuple[CategoryColumn, ...]:
    """The model's columns of categories, in CatBoost's own order; none for any other model."""
    return _columns(model, getattr(model, _KNOWN, _Known())) if has_categories(model) else ()


def with_texts(model: Any, example: Mapping[str, Array] | None) -> Any:
    """The model, as a copy that knows the texts of its categories; any other model as it is.

    ``example`` are the user's samples by the columns' names. Raises ParityGateError PG404 for a model that reads
    documents or embeddings.
    """
    if not is_catboost(model):
        return model
    _refuse_documents(model)
    if not has_categories(model):
        return model
    arrays = {column.name: (example or {}).get(column.name) for column in category_columns(model)}
    given = {name: array for name, array in arrays.items() if array is not None}
    whole = frozenset(name for name, array in given.items() if array.dtype.kind in "iu")
    copy = model.copy()
    setattr(copy, _KNOWN, _Known(_texts_of(model, given.values()), whole if given else None))
    return copy


def _texts_of(model: Any, arrays: Iterable[Array]) -> dict[int, str]:
    wanted = {each for column in category_columns(model) for each in column.hashes}
    found = _matching(wanted, {text for array in arrays for text in _spellings(array)})
    if wanted <= found.keys():
        return found
    tried = _matching(wanted - found.keys(), _guesses())
    return {**_whole(_columns(model, _Known({**tried, **found}))), **found}


def notes_of(model: Any, example: Mapping[str, Array] | None) -> Iterator[str]:
    """What a user should check: texts that were found by trying, as the samples don't hold them."""
    for column in category_columns(model):
        array = (example or {}).get(column.name)
        given = set() if array is None else _spellings(array)
        tried = [text for text in column.texts if text is not None and text not in given]
        if tried:
            shown = ", ".join(map(repr, tried[:_MOST_SHOWN])) + ", ..." * (len(tried) > _MOST_SHOWN)
            yield (
                f"CatBoost keeps only hashes of the categories of '{column.name}'; these were found by trying short "
                f"texts: {shown}. If they are others, provide --samples in which every category occurs"
            )


def content_of(model: Any) -> dict[str, Any]:
    """The model in CatBoost's JSON form."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.json")
        model.save_model(str(path), format="json")
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _columns(model: Any, known: _Known) -> tuple[CategoryColumn, ...]:
    features = content_of(model)["features_info"].get("categorical_features", ())
    return tuple(_column(each, str(model.feature_names_[each["flat_feature_index"]]), known) for each in features)


def _column(feature: Mapping[str, Any], name: str, known: _Known) -> CategoryColumn:
    hashes = tuple(feature.get("values", ()))
    texts = tuple(map(known.texts.get, hashes))
    whole = known.is_whole(name, texts)
    return CategoryColumn(feature["feature_index"], feature["flat_feature_index"], name, hashes, texts, whole)


def _whole(columns: Iterable[CategoryColumn]) -> dict[int, str]:
    """The texts of columns of which every text is known: a lone guess may be another text with the same hash."""
    return {
        number: text
        for column in columns
        if None not in column.texts
        for number, text in zip(column.hashes, column.texts, strict=True)
        if text is not None
    }


def _refuse_documents(model: Any) -> None:
    for kind, places in (
        ("text", model._get_text_feature_indices()),
        ("embedding", model._get_embedding_feature_indices()),
    ):
        if places:
            names = ", ".join(repr(str(model.feature_names_[place])) for place in places)
            cause = f"it reads {kind} features ({names}), and no operator computes what CatBoost makes of them"
            remedy = "Compute them before CatBoost, for example with scikit-learn's TfidfVectorizer."
            raise ParityGateError("PG404", "CatBoost", cause, remedy)


def _spellings(array: Array) -> set[str]:
    """The texts in a column; a table's reader may have dropped zeros in front of whole numbers."""
    values = np.unique(np.ravel(array).astype(str)).tolist()
    padded = {value.zfill(width) for value in values if _WHOLE.fullmatch(value) for width in range(2, 7)}
    return {*values, *padded}


def _guesses() -> Iterator[str]:
    yield from map(str, range(-1, _GREATEST_GUESS + 1))
    yield from ("", "True", "False", "None", "nan", "other", "unknown", "missing", "male", "female")
    for length in range(1, _LONGEST_GUESS + 1):
        yield from map("".join, product(_LETTERS, repeat=length))


def _matching(wanted: Iterable[int], texts: Iterable[str]) -> dict[int, str]:
    """The wanted hashes, each with its text.

    CatBoost lists the hashes of a pool's texts where it writes a model, any model, as Python code: ``"text": hash,``.
    """
    hashes, rows = {str(each) for each in wanted}, [[text] for text in sorted(set(texts))]
    if not rows or not hashes:
        return {}
    from catboost import CatBoostRegressor, Pool

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.py")
        model = CatBoostRegressor(iterations=1, depth=1, verbose=0, allow_writing_files=False, thread_count=1)
        model.fit(Pool([["a"], ["b"]], label=[0, 1], cat_features=[0]))
        model.save_model(str(path), format="python", pool=Pool(np.array(rows, object), cat_features=[0]))
        code = path.read_text(encoding="utf-8")
    listed = code.partition("\ncat_features_hashes = {\n")[2].partition("\n}\n")[0].splitlines()
    pairs = (line.strip().rstrip(",").rpartition(": ") for line in listed)
    return {int(number): _unescaped(text) for text, _, number in pairs if number in hashes}


def _unescaped(literal: str) -> str:
    """The text of a literal of C, whose characters are the bytes of UTF-8."""
    return str(ast.literal_eval(literal)).encode("latin-1").decode("utf-8")
