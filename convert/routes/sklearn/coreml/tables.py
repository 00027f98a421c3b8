"""Look-up tables by a column's value, as search trees: encoders, sets of categories, missing values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .....validate.errors import ParityGateError
from .....validate.trees.tree import Tree
from .builder import Builder
from .trees import sum_trees
from .wires import INT64, STRING, Columns, Wire

if TYPE_CHECKING:
    from .wires import Floats

_UNKNOWN = -1
"""The code of a text that isn't in the table."""


MOST_COLUMNS = 400
"""Limit for one look-up: a pipeline of more stages takes too long to load."""


@dataclass(frozen=True, slots=True)
class Table:
    """What is looked up for one column: ``entries[i]`` for ``keys[i]``, else ``other``, and ``missing`` for NaN.

    Keys are text or numbers, and no key occurs twice. With ``ends``, key i stands for all numbers from there to
    ``ends[i]``; such intervals don't overlap.
    """

    keys: Sequence[Any]
    entries: Floats
    other: Floats
    missing: Floats
    ends: Sequence[float] | None = None


def look_up(b: Builder, columns: Columns, tables: Sequence[Table]) -> Wire:
    """The entries found for all columns, one after the other in one vector."""
    separate = b.split(columns) if any(wire.kind == STRING for wire in columns) else columns
    numbers = tuple(
        _code(b, wire, tables[place].keys) if wire.kind == STRING else wire for place, wire in enumerate(separate)
    )
    trees: list[Tree] = []
    for feature, table in enumerate(tables):
        trees += [_search(table, feature, column, len(trees) + column) for column in range(table.entries.shape[1])]
    if len(trees) > MOST_COLUMNS:
        reason = f"each needs a model of its own, and at most {MOST_COLUMNS} are supported"
        raise ParityGateError("PG404", f"{len(trees)} columns of categories", reason)
    return b.vector((sum_trees(b, numbers, trees, len(trees)),))


def bins(b: Builder, model: Any, x: Columns) -> Columns:
    """The number of each value's bin, or a 1 in its place; the outer bins are unbounded."""
    tables = []
    for edges, count in zip(model.bin_edges_, model.n_bins_, strict=True):
        starts, ends = np.array(edges[:-1], np.float64), np.nextafter(np.array(edges[1:], np.float64), -np.inf)
        starts[0], ends[-1] = -np.inf, np.inf
        entries = np.arange(count, dtype=np.float64)[:, None] if model.encode == "ordinal" else np.eye(count)
        tables.append(Table(starts.tolist(), entries, entries[0], entries[0], ends.tolist()))
    return (look_up(b, x, tables),)


def _code(b: Builder, text: Wire, keys: Sequence[str]) -> Wire:
    """The number of each text's key."""
    code = b.wire("code", INT64)
    body = b.stage((text,), (code,)).categoricalMapping
    body.stringToInt64Map.map.update({str(key): number for number, key in enumerate(keys)})
    body.int64Value = _UNKNOWN
    return code


def _search(table: Table, feature: int, column: int, target: int) -> Tree:
    """A balanced tree over the bounds at which one column of the entries changes; its root separates NaN."""
    is_text = len(table.keys) > 0 and isinstance(table.keys[0], str)
    low = np.arange(len(table.keys), dtype=np.float64) if is_text else np.asarray(table.keys, np.float64)
    high = low if table.ends is None else np.asarray(table.ends, np.float64)
    order = np.argsort(low)
    cuts = np.column_stack([np.nextafter(low[order], -np.inf), high[order]]).ravel()
    values = np.full(len(cuts) + 1, table.other[column], np.float64)
    values[1::2] = table.entries[order, column]
    changes = values[1:] != values[:-1]
    nodes = _Nodes([], [], [], [])
    nodes.add(np.inf, 0.0)
    nodes.left[0] = nodes.grow(cuts[changes], values[np.append(True, changes)])
    nodes.right[0] = nodes.add(0.0, float(table.missing[column]))
    return nodes.tree(feature, target)


@dataclass(frozen=True, slots=True)
class _Nodes:
    """A tree that grows: parallel lists over its nodes."""

    threshold: list[float]
    left: list[int]
    right: list[int]
    value: list[float]

    def add(self, threshold: float, value: float) -> int:
        """Append a leaf and return its number."""
        self.threshold.append(threshold)
        self.left.append(-1)
        self.right.append(-1)
        self.value.append(value)
        return len(self.left) - 1

    def grow(self, cuts: Floats, values: Floats) -> int:
        """Append a subtree that gives ``values[i]`` between cut i - 1 and cut i (included); returns its root."""
        if not len(cuts):
            return self.add(0.0, float(values[0]))
        middle = len(cuts) // 2
        node = self.add(float(cuts[middle]), 0.0)
        self.left[node] = self.grow(cuts[:middle], values[: middle + 1])
        self.right[node] = self.grow(cuts[middle + 1 :], values[middle + 1 :])
        return node

    def tree(self, feature: int, target: int) -> Tree:
        """The finished tree over one feature."""
        left = np.array(self.left)
        return Tree(
            np.full(len(left), feature),
            np.array(self.threshold),
            left,
            np.array(self.right),
            np.zeros(len(left), np.bool_),
            np.array(self.value, np.float64)[:, None],
            target,
        )


TRANSFORMERS = {"KBinsDiscretizer": bins}
