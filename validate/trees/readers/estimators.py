"""The ensembles of trees in a fitted estimator, or in a pipeline of several."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...engines.sklearn.ranges import allows_nan
from ...engines.sklearn.walk import PASSTHROUGH, inner, steps_of
from ...errors import ParityGateError
from ..ensemble import Ensemble, Reading
from ..tree import SplitTest
from . import catboost, forests, lightgbm, xgboost
from . import hist_gradient_boosting as hist
from .categories import tabulate
from .links import Link

_SETS = "the tables that splits on sets of categories are read from"


def read_estimator(estimator: Any) -> Reading:
    """The ensembles inside of an estimator, in the order in which they run; what can't be read is said in a note."""
    found: list[Ensemble] = []
    notes: list[str] = []
    for part, place in _parts(estimator, _Place()):
        try:
            own = READERS[_kind(part)](part)
        except ParityGateError as error:
            notes.append(f"the trees of {type(part).__name__} can't be read: {error.cause}")
            continue
        direct, missing = own.direct and place.direct, place.missing and _takes_nan(part)
        found.append(replace(own, name=type(part).__name__, direct=direct, missing=missing, columns=place.columns))
    if len(found) != 1 or _kind(estimator) not in READERS:  # something else follows the sums
        found = [replace(each, link=None) for each in found]
    return Reading(tuple(found), tuple(notes))


@dataclass(frozen=True, slots=True)
class _Place:
    """Whether an estimator reads the model's own columns, which of them if only some, and whether NaN gets there."""

    direct: bool = True
    columns: tuple[int, ...] = ()
    missing: bool = True


def _takes_nan(part: Any) -> bool:
    return allows_nan(part) if _kind(part).startswith("sklearn") else True


def _kind(part: Any) -> str:
    return f"{type(part).__module__.partition('.')[0]}.{type(part).__name__}"


def _parts(estimator: Any, place: _Place) -> Iterator[tuple[Any, _Place]]:
    """The readable estimators inside of one that stands at ``place``."""
    if _kind(estimator) in READERS:
        yield estimator, place
    elif hasattr(estimator, "steps"):
        for number, step in enumerate(steps_of(estimator)):
            yield from _parts(step, place if number == 0 else replace(place, direct=False))
    elif hasattr(estimator, "transformer_list"):
        for _, part in estimator.transformer_list:
            yield from () if part in ("drop", *PASSTHROUGH) else _parts(part, place)
    elif hasattr(estimator, "transformers_"):
        for _, part, _ in estimator.transformers_:
            yield from () if part in ("drop", *PASSTHROUGH) else _parts(part, replace(place, direct=False))
    else:
        yield from _members(estimator, replace(place, missing=place.missing and _takes_nan(estimator)))


def _members(estimator: Any, place: _Place) -> Iterator[tuple[Any, _Place]]:
    members = inner(estimator)
    subsets = getattr(estimator, "estimators_features_", None)
    for number, member in enumerate(members):
        chosen = () if subsets is None else tuple(np.asarray(subsets[number]).tolist())
        whole = not chosen or chosen == tuple(range(int(estimator.n_features_in_)))
        own = place if whole else replace(place, direct=False, columns=chosen)
        yield from _parts(member, own)
    if hasattr(estimator, "final_estimator_"):
        yield from _parts(estimator.final_estimator_, replace(place, direct=False))


def _forest(model: Any) -> Ensemble:
    members = getattr(model, "estimators_", None) or [model]
    trees = tuple(forests.read_tree(member) for member in members)
    return Ensemble(trees, trees[0].value.shape[1], single=True)


def _embedding(model: Any) -> Ensemble:
    trees = forests.embedding_trees(model)
    return Ensemble(trees, trees[-1].target + trees[-1].value.shape[1], single=True)


def _isolation_forest(model: Any) -> Ensemble:
    return Ensemble(forests.path_lengths(model)[0], single=True)


def _gradient_boosting(model: Any) -> Ensemble:
    base, trees = forests.boosting_base(model), tuple(forests.boosted_trees(model))
    outside = () if base else ("the estimator that boosting starts from",)
    whole = (base, *trees) if base else trees
    return Ensemble(
        whole, model.n_trees_per_iteration_, single=True, constants=len(whole) - len(trees), outside=outside
    )


def _hist_gradient_boosting(model: Any) -> Ensemble:
    trees = hist.trees_of(model)
    outside: tuple[str, ...] = ()
    if model._preprocessor is not None:
        trees, outside = hist.tabulated(model, trees)[0], (_SETS,)
    whole = (hist.base_of(model), *trees)
    return Ensemble(
        whole, model.n_trees_per_iteration_, infinite=True, direct=not outside, constants=1, outside=outside
    )


def _xgboost(model: Any) -> Ensemble:
    is_booster = not hasattr(model, "get_booster")
    booster = model if is_booster else model.get_booster()
    boosting = xgboost.read(booster, None if is_booster else xgboost.rounds_of(model))
    trees, tables = tabulate(boosting.trees, boosting.splits, boosting.features)
    marked = not is_booster and not np.isnan(model.missing)
    outside = (*([_SETS] if tables else []), *([f"{model.missing} as a missing value"] if marked else []))
    link = Link.SOFTMAX if getattr(model, "n_classes_", 2) > 2 else boosting.link
    read = Ensemble(trees, boosting.targets, SplitTest.BELOW, single=True, constants=1, link=link)
    return replace(read, direct=not outside, outside=outside)


def _lightgbm(model: Any) -> Ensemble:
    boosting = lightgbm.read(getattr(model, "booster_", model))
    trees, tables = tabulate(boosting.trees, boosting.splits, boosting.features)
    outside = [_SETS] if tables else []
    if len(boosting.zero_missing):
        outside.append("zero as a missing value")
    return Ensemble(trees, boosting.targets, infinite=True, direct=not outside, outside=tuple(outside))


def _catboost(model: Any) -> Ensemble:
    boosting = catboost.read(model)
    trees, tables = tabulate(boosting.trees, boosting.splits, len(boosting.floats))
    outside = (_SETS,) if tables else ()
    direct = not boosting.categories
    return Ensemble(trees, boosting.targets, single=True, infinite=True, constants=1, direct=direct, outside=outside)


READERS: Mapping[str, Callable[[Any], Ensemble]] = {
    **dict.fromkeys(
        (
            f"sklearn.{stem}{kind}"
            for stem in ("DecisionTree", "ExtraTree", "RandomForest", "ExtraTrees")
            for kind in ("Classifier", "Regressor")
        ),
        _forest,
    ),
    "sklearn.RandomTreesEmbedding": _embedding,
    "sklearn.IsolationForest": _isolation_forest,
    **dict.fromkeys(("sklearn.GradientBoostingClassifier", "sklearn.GradientBoostingRegressor"), _gradient_boosting),
    **dict.fromkeys(
        ("sklearn.HistGradientBoostingClassifier", "sklearn.HistGradientBoostingRegressor"), _hist_gradient_boosting
    ),
    **dict.fromkeys(
        (f"xgboost.{name}" for name in ("XGBClassifier", "XGBRegressor", "XGBRanker", "XGBRFClassifier",
                                        "XGBRFRegressor", "Booster")),
        _xgboost,
    ),
    **dict.fromkeys(
        (f"lightgbm.{name}" for name in ("LGBMClassifier", "LGBMRegressor", "LGBMRanker", "Booster")), _lightgbm
    ),
    **dict.fromkeys(
        (f"catboost.{name}" for name in ("CatBoostClassifier", "CatBoostRegressor", "CatBoostRanker", "CatBoost")),
        _catboost,
    ),
}  # fmt: skip
"""Library and class -> its reader."""
