"""Read boosters in their libraries' own files, which hold numbers and no code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...errors import ParityGateError
from ..base import LoadOptions
from .boosters import BoosterModel, booster_model
from .estimator import SklearnModel
from .estimator import load as load_estimator
from .lightgbm_text import check_text

_MAGIC = {b'{"learner"': "xgboost", b"{L\0\0\0\0\0\0\0\7learner": "xgboost", b"tree\n": "lightgbm", b"CBM1": "catboost"}


def load(source: Path | Any, options: LoadOptions) -> BoosterModel | SklearnModel:
    """A model from a file or a Booster. Raises ParityGateError PG402 with the library's reason."""
    if not isinstance(source, Path):
        return booster_model(source, options)
    name = library_of(source)
    if name is None:
        raise ParityGateError("PG402", str(source), "not a model file of XGBoost, LightGBM or CatBoost")
    read = _read(source, _READERS[name])
    return load_estimator(read, options) if name == "catboost" else booster_model(read, options, source.stat().st_size)


def library_of(path: Path) -> str | None:
    """Which library wrote a file, by its first bytes; None if none did."""
    with path.open("rb") as file:
        head = file.read(max(map(len, _MAGIC)))
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)


def _read(path: Path, read: Callable[[Path], Any]) -> Any:
    try:
        return read(path)
    except Exception as e:  # each library has its own errors
        reason = str(e).strip().splitlines()[0] if str(e).strip() else type(e).__name__
        raise ParityGateError("PG402", str(path), reason, "Save the model again with its library.") from e


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


_READERS: dict[str, Callable[[Path], Any]] = {
    "xgboost": _read_xgboost,
    "lightgbm": _read_lightgbm,
    "catboost": _read_catboost,
}
