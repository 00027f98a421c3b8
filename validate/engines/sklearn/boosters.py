"""Run boosters in their libraries' own form: XGBoost's and LightGBM's Booster.

Models with scikit-learn's interface (such as ``XGBClassifier``, and all of CatBoost) are run by :mod:`.estimator`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ParityGateError
from ...signature import Hint, Signature, TensorSpec
from ..base import Facts, LoadOptions
from .category_values import category_texts, category_values, is_xgboost, legend, with_codes
from .inputs import Inputs, reads_texts, text_columns
from .outputs import BATCH

if TYPE_CHECKING:
    from ...signature import Array, Feed

INPUT, OUTPUT = "X", "prediction"
_PROBE_ROWS = 2


@dataclass(frozen=True, slots=True)
class Library:
    """How one library's boosters predict, and the facts about them."""

    title: str
    predict: Callable[[Any, Array], Array]
    features: Callable[[Any], int]
    trees: Callable[[Any], int]


@dataclass(frozen=True, slots=True)
class BoosterModel:
    """A booster. ``native`` is the library's own object."""

    signature: Signature
    native: Any
    library: Library
    inputs: Inputs
    size: int | None
    notes: tuple[str, ...] = ()

    def run(self, feed: Feed) -> dict[str, Array]:
        """``Booster.predict`` on plain rows. Raises ParityGateError PG406 with the library's reason."""
        return {OUTPUT: _predict(self.library, self.native, self.inputs.assemble(feed))}

    def hints(self) -> tuple[Hint, ...]:
        """The split thresholds and the categories of each feature; NaN is always legal."""
        from .thresholds import thresholds_of

        points = thresholds_of(self.native, self.library.features(self.native))
        known: dict[int, Sequence[Any]] = {}
        known |= {at: values.tolist() for at, values in category_values(self.native).items()}
        known |= category_texts(self.native)
        categories = tuple(tuple(known.get(at, ())) for at in range(len(points)))
        unknown = not is_xgboost(self.native)
        if len(self.inputs.specs) == 1:
            numbers = categories if category_values(self.native) else ()
            return (Hint(INPUT, points=tuple(points), missing=True, categories=numbers),)
        return tuple(
            Hint(spec.name, points=(own,), missing=True, vocabulary=vocabulary, unknown=unknown)
            for spec, own, vocabulary in zip(self.inputs.specs, points, categories, strict=True)
        )

    def facts(self) -> Facts:
        """The library and its version here, and the number of trees."""
        title, trees = self.library.title, self.library.trees(self.native)
        release = import_module(title.lower()).__version__
        return Facts(title, f"{title} {release}", operators={"Tree": trees} if trees else {"Linear": 1}, size=self.size)


def booster_model(booster: Any, options: LoadOptions, size: int | None = None) -> BoosterModel:
    """The model of a Booster; ``size`` is its file's. Raises ParityGateError PG406 with the library's reason."""
    return _model(booster, LIBRARIES[_package(booster)], options, size)


def _package(booster: Any) -> str:
    return type(booster).__module__.partition(".")[0]


def _model(booster: Any, library: Library, options: LoadOptions, size: int | None) -> BoosterModel:
    """The booster with its signature; a run on zeros gives the output's shape and dtype."""
    width = library.features(booster)
    sample = _predict(library, booster, np.zeros((_PROBE_ROWS, width), np.float32))
    accepts = ("float64",) if sample.dtype == np.float32 else ("float32",)
    output = TensorSpec(OUTPUT, sample.dtype.name, (BATCH, *sample.shape[1:]), accepts)
    inputs = _inputs(booster, width, options)
    coded = len(inputs.specs) == 1
    notes = tuple(legend(column, texts) for column, texts in category_texts(booster).items()) if coded else ()
    return BoosterModel(Signature(inputs.specs, (output,)), booster, library, inputs, size, notes)


def _inputs(booster: Any, width: int, options: LoadOptions) -> Inputs:
    """One matrix, or the columns of a frame with categories of text unless one input is declared."""
    if reads_texts(booster) and not options.inputs:
        return text_columns(booster, options)
    declared = next((spec.dtype for spec in options.inputs if spec.name == INPUT), options.dtype)
    values, strict = category_values(booster), is_xgboost(booster)

    def assemble(feed: Feed) -> Array:
        return with_codes(feed[INPUT], values, reject_unknown=strict) if values else feed[INPUT]

    return Inputs((TensorSpec(INPUT, declared, (BATCH, width)),), assemble)


def _predict(library: Library, booster: Any, x: Array) -> Array:
    try:
        return np.asarray(library.predict(booster, x))
    except Exception as e:  # each library has its own errors
        raise ParityGateError("PG406", library.title, f"{type(e).__name__}: {e}") from e


def is_linear(booster: Any) -> bool:
    """Whether an XGBoost Booster is a linear model (``gblinear``)."""
    learner: dict[str, Any] = json.loads(booster.save_config())["learner"]
    return bool(learner["gradient_booster"]["name"] == "gblinear")


def _predict_xgboost(booster: Any, x: Array) -> Array:
    """``Booster.predict``, without the copy where XGBoost can do without: it can't for linear models."""
    if not is_linear(booster):
        return np.asarray(booster.inplace_predict(x, validate_features=False))
    import xgboost

    return np.asarray(booster.predict(xgboost.DMatrix(x), validate_features=False))


LIBRARIES = {
    "xgboost": Library(
        "XGBoost",
        _predict_xgboost,
        lambda booster: int(booster.num_features()),
        lambda booster: 0 if is_linear(booster) else len(booster.get_dump()),
    ),
    "lightgbm": Library(
        "LightGBM",
        lambda booster, x: booster.predict(x),
        lambda booster: int(booster.num_feature()),
        lambda booster: int(booster.num_trees()),
    ),
}
