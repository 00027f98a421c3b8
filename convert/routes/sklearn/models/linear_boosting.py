"""XGBoost's linear boosters (``gblinear``)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .....validate.engines.sklearn.boosters import is_linear
from .....validate.errors import ParityGateError
from .....validate.trees.readers.links import Link
from .....validate.trees.readers.xgboost import OBJECTIVES

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LinearBoosting:
    """``link(x @ weights + offsets)``: weights (features, targets), offsets (targets,). A missing x counts as 0."""

    weights: Floats
    offsets: Floats
    objective: str

    @property
    def link(self) -> Link:
        """The link of the objective."""
        return OBJECTIVES[self.objective]

    @property
    def targets(self) -> int:
        """How many scores the model has."""
        return len(self.offsets)


def read_linear(booster: Any) -> LinearBoosting | None:
    """A linear booster; None for one of trees. Raises PG404 for an objective without a translation.

    The offsets are what the booster itself gives for a row of zeros: releases of XGBoost differ in which of several
    base scores they add to a target.
    """
    if not is_linear(booster):
        return None
    import xgboost

    learner = json.loads(booster.save_raw("json"))["learner"]
    objective, features = learner["objective"]["name"], int(learner["learner_model_param"]["num_feature"])
    if objective not in OBJECTIVES:
        raise ParityGateError("PG404", "XGBoost", f"the objective {objective!r} has no translation")
    weights = np.array(learner["gradient_booster"]["model"]["weights"], np.float32).astype(np.float64)
    zeros = xgboost.DMatrix(np.zeros((1, features), np.float32))
    offsets = booster.predict(zeros, output_margin=True, validate_features=False).reshape(-1).astype(np.float64)
    return LinearBoosting(weights.reshape(features + 1, -1)[:features], offsets, objective)
