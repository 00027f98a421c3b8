"""Lower-casing of text: generated documents hold letters whose case is odd, and the two that differ are named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnxruntime import InferenceSession
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer

from paritygate.convert.routes.base import RouteOptions
from paritygate.convert.routes.sklearn.onnx.route import convert
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.sklearn.estimator import load
from paritygate.validate.samples import generate_samples

TEXTS = ["Straße café Haus", "STRASSE ẞ cafe\u0301", "Ǆ ǅ 😀 𐐀 haus", "plain words here"]
"""Fitted on such letters, so that their terms are counted."""

VECTORIZERS = [
    CountVectorizer(),
    CountVectorizer(analyzer="char"),
    TfidfVectorizer(ngram_range=(1, 2)),
    HashingVectorizer(n_features=64),
]


@pytest.mark.parametrize("vectorizer", VECTORIZERS, ids=lambda each: f"{type(each).__name__}-{each.analyzer}")
def test_odd_letters_are_generated_and_right(vectorizer: Any, tmp_path: Path) -> None:
    model = load(vectorizer.fit(TEXTS), LoadOptions())
    candidate = convert(model, tmp_path / "out.onnx", RouteOptions())
    documents = np.concatenate([each.feed["X"] for each in generate_samples(model.signature, model.hints()).items])
    documents = np.unique(np.concatenate([documents, TEXTS]))
    assert {"ẞ", "\u0301", "ǅ", "😀"} <= set("".join(documents.tolist()))
    (got,) = InferenceSession(candidate.path).run(None, {"X": documents.astype(object)})
    np.testing.assert_allclose(got, vectorizer.transform(documents).toarray(), atol=1e-6)
    assert any("U+0130" in note and "U+03A3" in note for note in candidate.notes)


def test_without_lower_casing_there_is_nothing_to_say(tmp_path: Path) -> None:
    model = load(CountVectorizer(lowercase=False).fit(TEXTS), LoadOptions())
    assert not any("U+0130" in note for note in convert(model, tmp_path / "out.onnx", RouteOptions()).notes)


def test_these_two_letters_are_all_that_differ(tmp_path: Path) -> None:
    """Of single letters U+0130 alone; sigma depends on the letters around it."""
    letters = [chr(code) for code in range(0x20, 0x20000) if chr(code).isalpha() and not 0xD800 <= code < 0xE000]
    model = load(CountVectorizer(analyzer="char").fit(letters), LoadOptions())
    candidate = convert(model, tmp_path / "out.onnx", RouteOptions())
    cased = np.array([letter for letter in letters if letter.lower() != letter])
    session = InferenceSession(candidate.path)
    wrong = []
    for part in np.array_split(cased, 20):
        (got,) = session.run(None, {"X": part.astype(object)})
        want = model.native.transform(part).toarray()
        wrong += part[(got != want).any(1)].tolist()
    assert wrong == ["\u0130"]
