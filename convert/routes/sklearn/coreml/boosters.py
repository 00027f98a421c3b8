"""XGBoost's, LightGBM's and CatBoost's trees, alone or in their scikit-learn classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .....validate.engines.sklearn.catboost_categories import CategoryColumn
from .....validate.engines.sklearn.category_values import category_texts, category_values
from .....validate.trees.readers import catboost as cat
from .....validate.trees.readers import lightgbm as lgbm
from .....validate.trees.readers import xgboost as xgb
from .....validate.trees.readers.categories import FIRST, MISSING, OTHER, SetSplit, tabulate
from .....validate.trees.readers.links import Link
from .....validate.trees.tree import SplitTest, Tree
from ..models.encoders import whole_numbers
from ..models.linear_boosting import read_linear
from .builder import Builder
from .impute import replaced
from .labels import Labels, as_labels, labels_of
from .linear import classify_linearly, predict_linearly
from .links import exponentiate
from .single_precision import widen_thresholds
from .tables import Table, look_up
from .trees import TRANSFORMS, classify_by_trees, sum_trees
from .wires import INT64, STRING, Columns, Outputs, unsupported, width_of

if TYPE_CHECKING:
    import numpy.typing as npt


def xgb_classifier(b: Builder, model: Any, x: Columns) -> Outputs:
    """``predict`` and ``predict_proba``; labels are 0, 1, ... as XGBoost demands."""
    if linear := read_linear(model.get_booster()):
        return classify_linearly(b, model, linear, x)
    boosting = xgb.read(model.get_booster(), xgb.rounds_of(model))
    link = Link.SOFTMAX if model.n_classes_ > 2 else boosting.link
    _check_classifier(model, boosting.objective, link, boosting.targets)
    labels = as_labels(model, np.arange(model.n_classes_))
    trees, features = _xgb_trees(b, model, boosting, x, model.missing)
    return classify_by_trees(b, features, trees, boosting.targets, labels, link)


def xgb_regressor(b: Builder, model: Any, x: Columns) -> Outputs:
    """``predict`` of a regressor or a ranker."""
    return _xgb_prediction(b, model, model.get_booster(), xgb.rounds_of(model), x)


def xgb_booster(b: Builder, booster: Any, x: Columns) -> Outputs:
    """``Booster.predict``, with all rounds."""
    return _xgb_prediction(b, booster, booster, None, x)


def _xgb_prediction(b: Builder, model: Any, booster: Any, rounds: int | None, x: Columns) -> Outputs:
    if linear := read_linear(booster):
        return predict_linearly(b, model, linear, x)
    boosting = xgb.read(booster, rounds)
    trees, features = _xgb_trees(b, model, boosting, x, getattr(model, "missing", np.nan))
    return _predict(b, model, features, trees, boosting.targets, boosting.link)


def _xgb_trees(
    b: Builder, model: Any, boosting: xgb.Boosting, x: Columns, missing: float
) -> tuple[list[Tree], Columns]:
    """The trees, which compare single precision with ``<``, and their features."""
    if not np.isnan(missing):
        x = (replaced(b, x, missing, np.nan),)
    trees, features = _with_tables(b, model, x, boosting.trees, boosting.splits, first_code=0.0)
    return widen_thresholds(trees, SplitTest.BELOW), features


def lgbm_classifier(b: Builder, model: Any, x: Columns) -> Outputs:
    """``predict`` and ``predict_proba``."""
    boosting = lgbm.read(model.booster_)
    link, slope = boosting.link()
    _check_classifier(model, " ".join(boosting.objective) or "custom", link, boosting.targets)
    trees, features = _lgbm_trees(b, model, boosting, x, slope)
    return classify_by_trees(b, features, trees, boosting.targets, labels_of(model), link)


def lgbm_regressor(b: Builder, model: Any, x: Columns) -> Outputs:
    """``predict`` of a regressor or a ranker."""
    return lgbm_booster(b, model.booster_, x)


def lgbm_booster(b: Builder, booster: Any, x: Columns) -> Outputs:
    """``Booster.predict``, up to the best round after early stopping."""
    boosting = lgbm.read(booster)
    link, slope = boosting.link()
    trees, features = _lgbm_trees(b, booster, boosting, x, slope)
    return _predict(b, booster, features, trees, boosting.targets, link)


def _lgbm_trees(
    b: Builder, model: Any, boosting: lgbm.Boosting, x: Columns, slope: float
) -> tuple[tuple[Tree, ...], Columns]:
    """The trees, which compare doubles, and their features."""
    if len(boosting.zero_missing):
        raise unsupported(model, "no branch of a Core ML tree treats zero as missing (zero_as_missing)")
    first_code = float(np.nextafter(-1.0, 0.0))  # LightGBM truncates the fraction: any number above -1 is code 0
    trees = tuple(replace(tree, value=tree.value * slope / boosting.rounds) for tree in boosting.trees)
    return _with_tables(b, model, x, trees, boosting.splits, first_code)


def catboost_classifier(b: Builder, model: Any, x: Columns) -> Outputs:
    """``predict`` and ``predict_proba``."""
    labels = labels_of(model)
    if cat.has_independent_probabilities(model):
        reason = f"Core ML has no classifier with probabilities that don't sum to 1 ({cat.loss_of(model)})"
        raise unsupported(model, reason)
    if cat.threshold_of(model) != 0.5:
        raise unsupported(model, "a Core ML classifier has no probability threshold other than 0.5")
    boosting, link = cat.read(model), cat.probability_link(model)
    trees, features = _catboost_trees(b, boosting, x)
    return classify_by_trees(b, features, trees, boosting.targets, labels, link)


def catboost_regressor(b: Builder, model: Any, x: Columns) -> Outputs:
    """``predict`` of a regressor, a ranker or a plain CatBoost."""
    boosting = cat.read(model)
    trees, features = _catboost_trees(b, boosting, x)
    return _predict(b, model, features, trees, boosting.targets, cat.prediction_link(model))


def _catboost_trees(b: Builder, boosting: cat.Boosting, x: Columns) -> tuple[list[Tree], Columns]:
    """The trees, which compare single precision, and their features: numbers, then the tables' columns."""
    if not boosting.categories:
        return widen_thresholds(boosting.trees), x
    trees, tables = tabulate(boosting.trees, boosting.splits, len(boosting.floats))
    numbers = b.select(x, boosting.floats)
    own = [each for each in boosting.categories if each.number in tables]
    found = [_table_of(each, tables[each.number]) for each in own]
    columns = (look_up(b, b.select(x, [each.place for each in own]), found),) if own else ()
    return widen_thresholds(trees), (*numbers, *columns)


def _table_of(column: CategoryColumn, table: npt.NDArray[np.int8]) -> Table:
    """A column's table by text, or by whole numbers, where a text that isn't one never occurs."""
    keys = np.array(column.keys(), object)
    kept = np.ones(len(keys), np.bool_)
    if column.whole:
        keys = whole_numbers(column.keys())
        kept = ~np.isnan(keys)
    return Table(keys[kept].tolist(), table[FIRST:][kept], table[OTHER], table[MISSING])


def _check_classifier(model: Any, objective: str, link: Link, targets: int) -> None:
    """Raise PG404 unless a Core ML classifier has the link, with one score for SIGMOID and several for SOFTMAX."""
    if link not in (Link.SOFTMAX, Link.SIGMOID) or (targets > 1) != (link is Link.SOFTMAX):
        raise unsupported(model, f"Core ML has no tree classifier for the objective {objective} ({targets} scores)")


def _predict(b: Builder, model: Any, x: Columns, trees: Sequence[Tree], targets: int, link: Link) -> Outputs:
    if link is Link.SOFTMAX:  # a classifier whose classes have no names
        labels = Labels(INT64, tuple(range(targets)))
        shares = classify_by_trees(b, x, trees, targets, labels, link).wires["probabilities"]
        return Outputs({"prediction": shares}, {"prediction": labels.values})
    if link is Link.EXPONENTIAL:
        return Outputs({"prediction": exponentiate(b, sum_trees(b, x, trees, targets))})
    if link not in TRANSFORMS:
        raise unsupported(model, f"a tree ensemble of Core ML can't apply the function {link.name}")
    if link is Link.SIGMOID and targets > 1:
        raise unsupported(model, "Core ML's logistic transform is for one score")
    return Outputs({"prediction": sum_trees(b, x, trees, targets, link)})


def _with_tables(
    b: Builder, model: Any, x: Columns, trees: Sequence[Tree], splits: Sequence[SetSplit], first_code: float
) -> tuple[tuple[Tree, ...], Columns]:
    """Trees whose splits on sets of categories test columns of tables, and their features: numbers, these columns.

    Where the model was fitted on a frame, the tables are by the frame's values, else by codes.
    """
    kinds = [wire.kind for wire in x for _ in range(wire.width)]
    texts = {at: known for at, known in category_texts(model).items() if kinds[at] == STRING}
    kind = np.float32 if all(wire.single for wire in x) else np.float64
    values = {at: known.astype(kind).tolist() for at, known in category_values(model).items()}
    known: dict[int, Sequence[Any]] = {**values, **texts}
    numbers = [at for at in range(width_of(x)) if at not in texts]
    changed, tables = tabulate(_renumbered(trees, numbers), splits, len(numbers))
    if not tables:
        return changed, b.select(x, numbers) if texts else x
    found = [
        _by_value(known[feature], table) if feature in known else _by_code(table, first_code)
        for feature, table in tables.items()
    ]
    return changed, (*(b.select(x, numbers) if texts else x), look_up(b, b.select(x, list(tables)), found))


def _renumbered(trees: Sequence[Tree], numbers: Sequence[int]) -> list[Tree]:
    """The trees, whose features are the columns ``numbers`` alone; a split by another column is none by a number."""
    place = np.zeros(max(numbers, default=0) + 1, np.int64)
    place[list(numbers)] = np.arange(len(numbers))
    return [replace(tree, feature=place[np.minimum(tree.feature, len(place) - 1)]) for tree in trees]


def _by_value(known: Sequence[Any], table: npt.NDArray[np.int8]) -> Table:
    """What isn't a category is missing; a category that no split lists is like any other code beyond the table."""
    entries = np.repeat(table[[OTHER]], len(known), axis=0)
    listed = min(len(known), len(table) - FIRST)
    entries[:listed] = table[FIRST : FIRST + listed]
    return Table(known, entries, table[MISSING], table[MISSING])


def _by_code(table: npt.NDArray[np.int8], first_code: float) -> Table:
    codes = np.arange(len(table) - FIRST, dtype=np.float64)
    keys, ends = codes.copy(), np.nextafter(codes + 1.0, -np.inf)
    keys[:1] = first_code
    return Table(keys.tolist(), table[FIRST:], table[OTHER], table[MISSING], ends.tolist())


PREDICTORS = {
    **dict.fromkeys(("xgboost.XGBClassifier", "xgboost.XGBRFClassifier"), xgb_classifier),
    **dict.fromkeys(("xgboost.XGBRegressor", "xgboost.XGBRFRegressor", "xgboost.XGBRanker"), xgb_regressor),
    "xgboost.Booster": xgb_booster,
    "lightgbm.LGBMClassifier": lgbm_classifier,
    **dict.fromkeys(("lightgbm.LGBMRegressor", "lightgbm.LGBMRanker"), lgbm_regressor),
    "lightgbm.Booster": lgbm_booster,
    "catboost.CatBoostClassifier": catboost_classifier,
    **dict.fromkeys(("catboost.CatBoostRegressor", "catboost.CatBoostRanker", "catboost.CatBoost"), catboost_regressor),
}
