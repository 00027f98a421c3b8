"""Splits on sets of categories, turned into splits on numbers.

A node that asks whether a category is in some set becomes a node on an extra column, which is 1 where the answer
sends the sample to the right. All answers of one feature stand in a table (categories by questions), so that one
Gather per feature computes its columns. This is exact for any set, needs no copies of sub-trees (ONNX Runtime takes
no shared ones since 1.21) and works with every version of ai.onnx.ml.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from .declare import Conversion
from .values import Value

if TYPE_CHECKING:
    import numpy.typing as npt

    from .trees import Bools, Tree

    Tables = Mapping[int, npt.NDArray[np.int8]]


@dataclass(frozen=True, slots=True)
class SetSplit:
    """Inner node ``node`` of tree number ``tree`` splits ``feature``: category number i goes right if ``right[i]``."""

    tree: int
    node: int
    feature: int
    right: Bools


def tabulate(trees: Sequence[Tree], splits: Sequence[SetSplit], width: int) -> tuple[tuple[Tree, ...], Tables]:
    """Trees whose set splits test columns from ``width`` on, and the columns' tables by feature.

    Tables are in the order of their features and have shape (categories, columns).
    """
    changed = [replace(tree, feature=tree.feature.copy(), threshold=tree.threshold.copy()) for tree in trees]
    tables: dict[int, npt.NDArray[np.int8]] = {}
    for feature in sorted({split.feature for split in splits}):
        own = [split for split in splits if split.feature == feature]
        answers, column = np.unique([split.right for split in own], axis=0, return_inverse=True)
        for split, place in zip(own, column, strict=True):
            changed[split.tree].feature[split.node] = width + place
            changed[split.tree].threshold[split.node] = 0.5
        tables[feature] = answers.T.astype(np.int8)
        width += len(answers)
    return tuple(changed), tables


def append_columns(c: Conversion, x: Sequence[Value], tables: Tables, numbers: Mapping[int, Value]) -> Value:
    """``x`` (in parts) with the tables' columns behind it.

    ``numbers`` holds the category numbers of each of the tables' features, int64 (n,).
    """
    kind = x[0].dtype if x else np.float32
    return c.concat([*x, *(c.constant(table).take(numbers[feature]).cast(kind) for feature, table in tables.items())])
