"""Text vectorisers: the tokens of scikit-learn's own pattern, including letters of every script."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...declare import EstimatorGraph, Output, declare, transformer
from ...tensors import STRING, Tensor
from .preprocessing import normalized

_PAD = "\n \n"
"""Pads short documents; no token pattern in use matches it."""

_LOCALE = {"locale": "C.UTF-8"} if sys.platform == "linux" else {}
"""ONNX Runtime's default, en_US.UTF-8, exists on Linux only where it was generated, which few containers do."""

_CLASSES = {r"\w": r"\p{L}\p{N}_", r"\d": r"\p{Nd}", r"\s": r"\s\p{Z}"}
"""Python's character classes for ONNX Runtime's RE2, whose own are limited to ASCII."""

_WHOLE_WORDS = re.compile(r"\\b((?:\\w(?:\{\d+\})?)*\\w(?:\+|\{\d+,\}))\\b")
"""Words of open length: a match extends to the end of the word, so that no boundary has to be tested."""

_SPACES = [character for character in map(chr, range(0x3001)) if re.match(r"\s", character)]


def register() -> None:
    """Register this module's converters."""
    from sklearn.feature_extraction import text

    declare(text.CountVectorizer, count_vectorizer, _counts_output)
    declare(text.TfidfVectorizer, tfidf_vectorizer, lambda model: [Output("variable", (len(model.vocabulary_),))])
    transformer(text.HashingVectorizer, hashing_vectorizer, lambda model: model.n_features)
    transformer(text.TfidfTransformer, lambda g, model: tfidf(g.x, model), lambda model: model.n_features_in_)


def _counts_output(model: Any) -> list[Output]:
    dtype = np.dtype(np.int64) if np.dtype(model.dtype).kind in "iu" else None
    return [Output("variable", (len(model.vocabulary_),), dtype)]


def count_vectorizer(g: EstimatorGraph, model: Any) -> Tensor:
    """How often each term of the vocabulary occurs, or whether it does."""
    codes, terms = _word_codes(g, model) if model.analyzer == "word" else _character_codes(g, model)
    counts = g.op("TfIdfVectorizer", codes, dtype=np.float32, **_pool(terms)).cast(np.float64)
    return counts.minimum(1.0) if model.binary else counts


def tfidf_vectorizer(g: EstimatorGraph, model: Any) -> Tensor:
    """Counts, then weights."""
    return tfidf(count_vectorizer(g, model), model._tfidf)


def tfidf(counts: Tensor, model: Any) -> Tensor:
    """Term frequencies times inverse document frequencies, rows normalised (TfidfTransformer.transform)."""
    if model.sublinear_tf:
        absent = counts.equals(0.0)
        counts = absent.where(0.0, absent.where(1.0, counts).log() + 1.0)
    return normalized(counts * model.idf_ if model.use_idf else counts, model.norm)


def hashing_vectorizer(g: EstimatorGraph, model: Any) -> Tensor:
    """Terms counted under a hash of their text, with its sign (FeatureHasher)."""
    if model.analyzer != "word":
        raise RuntimeError(f"HashingVectorizer(analyzer={model.analyzer!r}) has no translation to ONNX")
    if g.opset < 16:
        raise RuntimeError(f"HashingVectorizer needs opset 16 or newer, not {g.opset}: it sums equal hashes")
    terms, real = _terms(g, model)
    code = g.op("MurmurHash3", terms, dtype=np.int32, domain="com.microsoft", positive=0, seed=0).cast(np.int64)
    place = g.op("Mod", abs(code), code.like(model.n_features))
    signed = model.alternate_sign and not model.binary
    weight = (code >= 0).where(real, -real) if signed else real
    counts = g.op("ScatterElements", g.zeros(model.n_features), place, weight, axis=1, reduction="add")
    return normalized(counts.minimum(1.0) if model.binary else counts, model.norm)


def _terms(g: EstimatorGraph, model: Any) -> tuple[Tensor, Tensor]:
    """The text of every term, and 1.0 where it is one rather than padding, (n, terms) both."""
    tokens = _tokens(g, model)
    stop_words = model.get_stop_words() or ()
    real = tokens.lookup(dict.fromkeys([_PAD, *stop_words], 0), 1)
    tokens, real = _moved_left([tokens, real], real > 0)
    shortest, longest = model.ngram_range
    if longest > 1 and g.opset < 20:
        raise RuntimeError(f"HashingVectorizer of several words needs opset 20 or newer, not {g.opset}")
    parts = []
    for size in range(shortest, longest + 1):
        windows = [[_window(value, i, size) for i in range(size)] for value in (tokens, real)]
        text = windows[0][0]
        for word in windows[0][1:]:
            text = g.op("StringConcat", g.op("StringConcat", text, g.constant(" ")), word)
        parts.append((text, windows[1][-1]))
    texts, flags = ([part[i] for part in parts] for i in (0, 1))
    return g.concat(texts), g.concat(flags).cast(np.float64)


def _window(tokens: Tensor, start: int, size: int) -> Tensor:
    """The columns from ``start`` on that leave space for the rest of a term of ``size`` tokens."""
    return _columns(tokens, start, _END if start == size - 1 else start + 1 - size)


_END = np.iinfo(np.int64).max


def _columns(tokens: Tensor, start: int, end: int) -> Tensor:
    return tokens.graph.op("Slice", tokens, *(tokens.graph.constant([bound], np.int64) for bound in (start, end, 1)))


def _lower(g: EstimatorGraph, model: Any) -> Tensor:
    """The documents (n,), in lower case if ``lowercase``."""
    for name in ("preprocessor", "tokenizer", "strip_accents"):
        if getattr(model, name) is not None:
            raise RuntimeError(f"{type(model).__name__}({name}={getattr(model, name)!r}) has no translation to ONNX")
    if callable(model.analyzer):
        raise RuntimeError("an analyzer that is a Python function has no translation to ONNX")
    documents = g.raw.reshape(-1)
    if not model.lowercase:
        return documents
    return g.op("StringNormalizer", documents, case_change_action="LOWER", is_case_sensitive=0, **_LOCALE)


def _split(g: EstimatorGraph, documents: Tensor, pattern: str) -> Tensor:
    """All matches of a pattern in each document after one padding element, (n, at least one), padded at the end.

    The padding comes first because it makes the type known: ONNX doesn't know Tokenizer, and its type inference of
    LabelEncoder crashes on inputs of unknown type.
    """
    tokens = g.op(
        "Tokenizer", documents, domain="com.microsoft", mark=0, pad_value=_PAD, mincharnum=1, tokenexp=pattern
    )
    return g.concat([g.full([_PAD]), tokens])


def _tokens(g: EstimatorGraph, model: Any) -> Tensor:
    return _split(g, _lower(g, model), translated_pattern(model.token_pattern))


def translated_pattern(pattern: str) -> str:
    """A Python token pattern in RE2 syntax. Raises RuntimeError where RE2 has no equivalent."""
    plain = pattern.removeprefix("(?u)")
    whole = _WHOLE_WORDS.fullmatch(plain)
    pieces, inside = [], False
    for piece in re.findall(r"\\.|.", whole[1] if whole else plain, re.DOTALL):
        known = _CLASSES.get(piece.lower())
        negated = piece != piece.lower()
        if (piece in ("(", r"\b", r"\B") and not inside) or (known and negated and inside):
            raise RuntimeError(f"the token pattern {pattern!r} has no translation to ONNX")
        inside = (inside or piece == "[") and piece != "]"
        pieces.append(piece if known is None else known if inside else f"[{'^' * negated}{known}]")
    return "".join(pieces)


def _word_codes(g: EstimatorGraph, model: Any) -> tuple[Tensor, dict[tuple[int, ...], int]]:
    """Numbers for the words of each document (n, words), and the vocabulary's columns by tuples of such numbers."""
    split = {term: tuple(term.split(" ")) for term in model.vocabulary_}
    stop_words = frozenset(model.get_stop_words() or ())
    words = sorted({word for parts in split.values() for word in parts} - stop_words)
    numbers = {word: number for number, word in enumerate(words, 1)}
    terms = {
        tuple(numbers[word] for word in parts): model.vocabulary_[term]
        for term, parts in split.items()
        if not stop_words.intersection(parts)
    }
    tokens = _tokens(g, model)
    if not stop_words or model.ngram_range[1] == 1:
        return tokens.lookup(numbers, 0), terms
    codes = tokens.lookup(numbers | dict.fromkeys(stop_words, -1), 0)
    return _moved_left([codes], codes >= 0)[0], terms


def _character_codes(g: EstimatorGraph, model: Any) -> tuple[Tensor, dict[tuple[int, ...], int]]:
    """The same for characters. ``char`` merges runs of spaces; ``char_wb`` also pads every word with spaces.

    Padded words share the spaces between them: a term of ``char_wb`` has spaces at its ends only, and is as frequent
    in the padded text as in the separate words. That doesn't hold for a single space.
    """
    framed = model.analyzer == "char_wb"
    if framed and " " in model.vocabulary_:
        raise RuntimeError("analyzer='char_wb' with single characters has no translation to ONNX")
    characters = sorted({character for term in model.vocabulary_ for character in term} | {" "})
    numbers = {character: number for number, character in enumerate(characters, 1)}
    space = numbers[" "]
    terms = {tuple(numbers[c] for c in term): column for term, column in model.vocabulary_.items()}
    tokens = _split(g, _lower(g, model), "(?s).")
    if framed:
        tokens = g.concat([tokens, g.full([" "])])
        known = numbers | dict.fromkeys([*_SPACES, _PAD], space)
        codes = tokens.lookup(known, 0)
        blank = codes.equals(space)
        return _moved_left([codes], ~(blank & _shifted(blank, 1)))[0], terms
    codes = tokens.lookup(numbers, 0)
    blank = tokens.lookup(dict.fromkeys(_SPACES, 1), 0) > 0
    after = _shifted(blank, 1)
    codes = (blank & (after | _shifted(blank, -1))).where(space, codes)
    filled = tokens.lookup({_PAD: 1}, 0) > 0
    return _moved_left([codes], ~(blank & after) & ~filled)[0], terms


def _shifted(flags: Tensor, by: int) -> Tensor:
    """Flags of the neighbours: shifted by one column, with false at the open end."""
    g = flags.graph
    empty = _columns(flags, 0, 1) & g.constant(False)
    if by > 0:
        return g.concat([empty, _columns(flags, 0, -1)])
    return g.concat([_columns(flags, 1, _END), empty])


def _moved_left(rows: Sequence[Tensor], kept: Tensor) -> list[Tensor]:
    """Each row's kept entries in their order, then the rest; numbers among the rest become 0."""
    g = kept.graph
    count = kept.shape().take([1])
    position = g.op("CumSum", kept.cast(np.float64) * 0.0 + 1.0, g.constant(1, np.int64))
    rank = kept.where(-position, -position - 1e12)
    _, order = g.op_with("TopK", rank, count, dtypes=[rank.dtype, np.int64], axis=1)
    cleared = [row if row.dtype == STRING else kept.where(row, 0) for row in rows]
    return [g.op("GatherElements", row, order, axis=1) for row in cleared]


def _pool(terms: dict[tuple[int, ...], int]) -> dict[str, Any]:
    """The attributes of TfIdfVectorizer that count terms of one or several numbers."""
    ordered = sorted(terms, key=len)
    longest = len(ordered[-1])
    lengths = [len(term) for term in ordered]
    sizes = [size * lengths.count(size) for size in range(1, longest)]
    return {
        "mode": "TF",
        "min_gram_length": 1,
        "max_gram_length": longest,
        "max_skip_count": 0,
        "ngram_counts": np.cumsum([0, *sizes]).tolist(),
        "ngram_indexes": [terms[term] for term in ordered],
        "pool_int64s": [number for term in ordered for number in term],
    }
