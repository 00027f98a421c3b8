"""Run boosters in their libraries' own form: XGBoost's and LightGBM's Booster, CatBoost's files.

Their files hold numbers and no code. Models with scikit-learn's interface (such as ``XGBClassifier``, and all of
CatBoost) are run by :mod:`.estimator`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ParityGateError
from ...signature import Hint, Signature, TensorSpec
from ..base import Facts, LoadOptions
from .category_values import category_texts, category_values, is_xgboost, legend, with_codes
from .lightgbm_text import check_text
from .outputs import BATCH

if TYPE_CHECKING:
    from ...signature import Array, Feed
    from .estimator import SklearnModel

INPUT, OUTPUT = "X", "prediction"
_PROBE_ROWS = 2


@dataclass(frozen=True, slots=True)
class Library:
    """How one library reads its files, and the facts about its boosters."""

    title: str
    read: Callable[[Path], Any]
    predict: Callable[[Any, Array], Array]
    features: Callable[[Any], int]
    trees: Callable[[Any], int]


@dataclass(frozen=True, slots=True)
class BoosterModel:
    """A booster. ``native`` is the library's own object."""

    signature: Signature
    native: Any
    library: Library
    size: int | None
    notes: tuple[str, ...] = ()

    def run(self, feed: Feed) -> dict[str, Array]:
        """``Booster.predict`` on plain rows. Raises ParityGateError PG406 with the library's reason."""
        values = category_values(self.native)
        x = with_codes(feed[INPUT], values, reject_unknown=is_xgboost(self.native)) if values else feed[INPUT]
        return {OUTPUT: _predict(self.library, self.native, x)}

    def hints(self) -> tuple[Hint, ...]:
        """The split thresholds of each feature; NaN is always legal."""
        from .thresholds import thresholds_of

        points = thresholds_of(self.native, self.library.features(self.native))
        values = category_values(self.native)
        categories = tuple(tuple(values[at]) if at in values else () for at in range(len(points))) if values else ()
        return (Hint(INPUT, points=tuple(points), missing=True, categories=categories),)

    def facts(self) -> Facts:
        """The library and its version here, and the number of trees."""
        title, trees = self.library.title, self.library.trees(self.native)
        release = import_module(title.lower()).__version__
        return Facts(title, f"{title} {release}", operators={"Tree": trees}, size=self.size)


def load(source: Path | Any, options: LoadOptions) -> BoosterModel | SklearnModel:
    """A model from a file or a Booster. Raises ParityGateError PG402 with the library's reason."""
    if not isinstance(source, Path):
        return _model(source, LIBRARIES[type(source).__module__.partition(".")[0]], options, None)
    name = library_of(source)
    if name is None:
        raise ParityGateError("PG402", str(source), "not a model file of XGBoost, LightGBM or CatBoost")
    if name == "catboost":
        from .estimator import load as load_estimator

        return load_estimator(_read(source, _read_catboost), options)
    booster = _read(source, LIBRARIES[name].read)
    return _model(booster, LIBRARIES[name], options, source.stat().st_size)


def library_of(path: Path) -> str | None:
    """Which library wrote a file, by its first bytes; None if none did."""
    with path.open("rb") as file:
        head = file.read(max(map(len, _MAGIC)))
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)


_MAGIC = {b'{"learner"': "xgboost", b"{L\0\0\0\0\0\0\0\7learner": "xgboost", b"tree\n": "lightgbm", b"CBM1": "catboost"}


def _read(path: Path, read: Callable[[Path], Any]) -> Any:
    try:
        return read(path)
    except Exception as e:  # each library has its own errors
        reason = str(e).strip().splitlines()[0] if str(e).strip() else type(e).__name__
        raise ParityGateError("PG402", str(path), reason, "Save the model again with its library.") from e


def _model(booster: Any, library: Library, options: LoadOptions, size: int | None) -> BoosterModel:
    """The booster with its signature; a run on zeros gives the output's shape and dtype."""
    width = library.features(booster)
    declared = next((spec.dtype for spec in options.inputs if spec.name == INPUT), options.dtype)
    sample = _predict(library, booster, np.zeros((_PROBE_ROWS, width), declared))
    accepts = ("float64",) if sample.dtype == np.float32 else ("float32",)
    output = TensorSpec(OUTPUT, sample.dtype.name, (BATCH, *sample.shape[1:]), accepts)
    notes = tuple(legend(column, texts) for column, texts in category_texts(booster).items())
    signature = Signature((TensorSpec(INPUT, declared, (BATCH, width)),), (output,))
    return BoosterModel(signature, booster, library, size, notes)


def _predict(library: Library, booster: Any, x: Array) -> Array:
    try:
        return np.asarray(library.predict(booster, x))
    except Exception as e:  # each library has its own errors
        raise ParityGateError("PG406", library.title, f"{type(e).__name__}: {e}") from e


def _read_xgboost(path: Path) -> Any:
    import xgboost

    return xgboost.Booster(model_file=bytearray(path.read_bytes()))  # by its content rather than its suffix


def _read_lightgbm(path: Path) -> Any:
    import lightgbm

    return lightgbm.Booster(model_str=check_text(path.read_bytes()))  # the checked text, not the file again


def _read_catboost(path: Path) -> Any:
    """A classifier if the file has classes, else a regressor (which predicts the same as a ranker)."""
    import catboost

    plain = catboost.CatBoost().load_model(str(path))
    kind = catboost.CatBoostClassifier if len(plain.classes_) else catboost.CatBoostRegressor
    return kind().load_model(str(path))


LIBRARIES = {
    "xgboost": Library(
        "XGBoost",
        _read_xgboost,
        lambda booster, x: booster.inplace_predict(x, validate_features=False),
        lambda booster: int(booster.num_features()),
        lambda booster: len(booster.get_dump()),
    ),
    "lightgbm": Library(
        "LightGBM",
        _read_lightgbm,
        lambda booster, x: booster.predict(x),
        lambda booster: int(booster.num_feature()),
        lambda booster: int(booster.num_trees()),
    ),
}
