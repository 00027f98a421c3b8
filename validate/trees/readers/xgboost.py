"""XGBoost's boosters (gbtree and dart), alone or in their scikit-learn classes.

Everything is read from the JSON form that ``Booster.save_raw("json")`` documents, so that a booster trained by an
older release arrives in today's form. XGBoost compares float32 with ``x < threshold``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import ParityGateError
from ..tree import Tree, reachable
from .categories import CodeSplit, SetSplit, set_splits
from .links import Link, to_score

OBJECTIVES = {
    "binary:hinge": Link.STEP,
    "binary:logistic": Link.SIGMOID,
    "binary:logitraw": Link.IDENTITY,
    "count:poisson": Link.EXPONENTIAL,
    "multi:softmax": Link.ARGMAX,
    "multi:softprob": Link.SOFTMAX,
    "rank:map": Link.IDENTITY,
    "rank:ndcg": Link.IDENTITY,
    "rank:pairwise": Link.IDENTITY,
    "reg:absoluteerror": Link.IDENTITY,
    "reg:gamma": Link.EXPONENTIAL,
    "reg:linear": Link.IDENTITY,
    "reg:logistic": Link.SIGMOID,
    "reg:pseudohubererror": Link.IDENTITY,
    "reg:quantileerror": Link.IDENTITY,
    "reg:squarederror": Link.IDENTITY,
    "reg:squaredlogerror": Link.IDENTITY,
    "reg:tweedie": Link.EXPONENTIAL,
    "survival:aft": Link.EXPONENTIAL,
    "survival:cox": Link.EXPONENTIAL,
}
"""Objective -> the link from the score to what ``Booster.predict`` gives."""


@dataclass(frozen=True, slots=True)
class Boosting:
    """A booster's trees, the last of which is its base score, and their splits on sets of categories."""

    trees: tuple[Tree, ...]
    splits: tuple[SetSplit, ...]
    features: int
    targets: int
    objective: str

    @property
    def link(self) -> Link:
        """The link of the objective."""
        return OBJECTIVES[self.objective]


def read(booster: Any, rounds: int | None = None) -> Boosting:
    """The first ``rounds`` of a booster, by default all of them. Raises PG404 for what has no translation."""
    learner = json.loads(booster.save_raw("json"))["learner"]
    objective, machine = learner["objective"]["name"], learner["gradient_booster"]
    if machine["name"] not in ("gbtree", "dart"):
        raise ParityGateError("PG404", "XGBoost", f"the booster {machine['name']!r} is not made of trees")
    if objective not in OBJECTIVES:
        raise ParityGateError("PG404", "XGBoost", f"the objective {objective!r} has no translation")
    model = machine["gbtree"]["model"] if machine["name"] == "dart" else machine["model"]
    end = len(model["trees"]) if rounds is None else model["iteration_indptr"][rounds]
    weights = machine.get("weight_drop", [1.0] * end)
    parameters = learner["learner_model_param"]
    base = to_score(OBJECTIVES[objective], np.array(json.loads(parameters["base_score"]), np.float64))
    count = _targets(parameters)
    trees = [_read_tree(*each) for each in zip(model["trees"][:end], model["tree_info"], weights, strict=False)]
    return Boosting(
        trees=(*trees, Tree.constant(np.broadcast_to(base, count))),
        splits=_set_splits(model["trees"][:end]),
        features=int(parameters["num_feature"]),
        targets=count,
        objective=objective,
    )


def targets(booster: Any) -> int:
    """How many columns ``Booster.predict`` gives."""
    learner = json.loads(booster.save_config())["learner"]
    if OBJECTIVES.get(learner["objective"]["name"]) is Link.ARGMAX:
        return 1
    return _targets(learner["learner_model_param"])


def rounds_of(model: Any) -> int | None:
    """The rounds that the scikit-learn classes predict with: up to the best one after early stopping, else None."""
    try:
        return int(model.best_iteration) + 1
    except AttributeError:
        return None


def _targets(parameters: dict[str, str]) -> int:
    return max(1, int(parameters["num_class"]), int(parameters["num_target"]))


def _read_tree(raw: dict[str, Any], group: int, weight: float) -> Tree:
    left, right = np.array(raw["left_children"]), np.array(raw["right_children"])
    conditions = np.array(raw["split_conditions"], np.float32).astype(np.float64)
    value = conditions.reshape(-1, 1)
    if vectors := raw.get("leaf_weights"):  # in a leaf of several targets, `right` is the number of its vector
        wide = np.array(vectors, np.float32).astype(np.float64).reshape(-1, int(raw["tree_param"]["size_leaf_vector"]))
        value = wide[np.where(left < 0, right, 0)]
    missing_left = np.array(raw["default_left"], np.bool_)
    tree = Tree(np.array(raw["split_indices"]), conditions, left, right, missing_left, value * weight, group)
    return reachable(tree) if int(raw["tree_param"]["num_deleted"]) else tree


def _set_splits(raws: list[dict[str, Any]]) -> tuple[SetSplit, ...]:
    """Every categorical split: the categories that it lists go right, what isn't a category goes left."""
    return set_splits(
        [
            CodeSplit(
                number,
                node,
                raw["split_indices"][node],
                np.array(raw["categories"][start : start + size]),
                members_right=True,
                missing_right=not raw["default_left"][node],
            )
            for number, raw in enumerate(raws)
            for node, start, size in zip(
                raw["categories_nodes"], raw["categories_segments"], raw["categories_sizes"], strict=True
            )
        ]
    )
