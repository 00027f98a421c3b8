"""LightGBM's text is checked before LightGBM trusts its counts and indices."""

from __future__ import annotations

import re
from typing import Any

import lightgbm
import numpy as np
import pytest

from paritygate.validate.engines.sklearn.lightgbm_text import DamagedModelError, check_text

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(300, 5))
X[:, 2] = DRAW.integers(0, 40, 300)
Y = DRAW.integers(0, 3, 300)


def text(**parameters: Any) -> str:
    given = {"objective": "regression", "num_leaves": 5, "verbose": -1, "min_data_in_leaf": 3} | parameters
    rows = lightgbm.Dataset(X, Y, categorical_feature=[2], free_raw_data=False)
    return lightgbm.train(given, rows, 3).model_to_string()


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"objective": "multiclass", "num_class": 3},
        {"boosting": "dart"},
        {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5},
        {"linear_tree": True},
        {"num_leaves": 2},
        {"min_data_in_leaf": 10_000},
        {"objective": "quantile"},
    ],
)
def test_what_lightgbm_writes_is_accepted(parameters: dict[str, Any]):
    written = text(**parameters)
    assert check_text(written.encode()) == written


def edit(pattern: str, replacement: str) -> bytes:
    """A model with an edit that keeps the sizes of its trees true."""
    edited, count = re.subn(pattern, replacement, text(), count=1, flags=re.MULTILINE)
    assert count, pattern
    trees = re.findall(r"^Tree=.*?(?=^Tree=|^end of trees)", edited, flags=re.MULTILINE | re.DOTALL)
    sizes = " ".join(str(len(tree.encode())) for tree in trees)
    return re.sub(r"^tree_sizes=.*$", f"tree_sizes={sizes}", edited, flags=re.MULTILINE).encode()


@pytest.mark.parametrize(
    ("pattern", "replacement", "words"),
    [
        (r"^left_child=\S+", "left_child=0", "form a tree"),
        (r"^left_child=\S+", "left_child=99", "form a tree"),
        (r"^right_child=\S+ ", "right_child=", "values, not"),
        (r"^split_feature=\S+", "split_feature=5", "feature that isn't there"),
        (r"^split_feature=\S+", "split_feature=-1", "feature that isn't there"),
        (r"^num_leaves=\d+", "num_leaves=4000000", "values, not"),
        (r"^num_leaves=\d+", "num_leaves=0", "num_leaves is 0"),
        (r"^leaf_value=\S+", "leaf_value=1_0", "not a number"),
        (r"^max_feature_idx=4", "max_feature_idx=3", "entries"),
        (r"^num_tree_per_iteration=1", "num_tree_per_iteration=2", "per iteration"),
        (r"^num_class=1", "num_class=0", "num_class is 0"),
        (r"^Tree=1$", "Tree=7", "has the number"),
        (r"^is_linear=0", "is_linear=1", "values, not"),
        (r"^end of parameters$", "", "parameters is missing"),
        (r"^shrinkage=", "leaf_value=1\nshrinkage=", "there twice"),
    ],
)
def test_counts_and_indices_that_do_not_fit_are_named(pattern: str, replacement: str, words: str):
    with pytest.raises(DamagedModelError, match=words):
        check_text(edit(pattern, replacement))


def test_sizes_and_ends_are_checked():
    written = text()
    for damaged in (written.replace("tree_sizes=", "tree_sizes=9"), written[: len(written) // 2], "tree\n", "a\0b"):
        with pytest.raises(DamagedModelError):
            check_text(damaged.encode())
