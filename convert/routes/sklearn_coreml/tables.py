"""Tables by a column's value, as one search tree for each column: encoders, sets of categories, missing values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..sklearn_gaps.trees import Tree
from .builder import Builder
from .trees import summed
from .wires import DOUBLE, INT64, STRING, Columns, Wire

if TYPE_CHECKING:
    from .wires import Floats

_UNKNOWN = -1
"""The code of a text that isn't in the table."""


@dataclass(frozen=True, slots=True)
class Table:
    """What is looked up for one column: row i of ``rows`` for its ``keys[i]``, else ``other``, and ``missing`` for NaN.

    Keys are text or numbers, and no key occurs twice. With ``ends``, key i stands for all numbers from there to
    ``ends[i]``; such intervals don't overlap.
    """

    keys: Sequence[Any]
    rows: Floats
    other: Floats
    missing: Floats
    ends: Sequence[float] | None = None


def looked_up(b: Builder, columns: Columns, tables: Sequence[Table]) -> Wire:
    """The rows found for all columns, one behind the other in one vector."""
    separate = b.split(columns) if any(wire.kind == STRING for wire in columns) else columns
    numbers = tuple(
        _code(b, wire, tables[place].keys) if wire.kind == STRING else wire for place, wire in enumerate(separate)
    )
    trees, first = [], 0
    for feature, table in enumerate(tables):
        trees.append(_search(table, feature, first))
        first += table.rows.shape[1]
    total = summed(b, numbers, trees, first)
    return total if total.kind != DOUBLE else b.vector((total,))


def bins(b: Builder, model: Any, x: Columns) -> Columns:
    """The number of each value's bin, or a 1 in its place; the outer bins have no end."""
    tables = []
    for edges, count in zip(model.bin_edges_, model.n_bins_, strict=True):
        starts, ends = np.array(edges[:-1], np.float64), np.nextafter(np.array(edges[1:], np.float64), -np.inf)
        starts[0], ends[-1] = -np.inf, np.inf
        rows = np.arange(count, dtype=np.float64)[:, None] if model.encode == "ordinal" else np.eye(count)
        tables.append(Table(starts.tolist(), rows, rows[0], rows[0], ends.tolist()))
    return (looked_up(b, x, tables),)


def _code(b: Builder, text: Wire, keys: Sequence[str]) -> Wire:
    """The number of each text's key."""
    code = b.wire("code", INT64)
    body = b.stage((text,), (code,)).categoricalMapping
    body.stringToInt64Map.map.update({str(key): number for number, key in enumerate(keys)})
    body.int64Value = _UNKNOWN
    return code


def _search(table: Table, feature: int, target: int) -> Tree:
    """A balanced tree over the bounds of the intervals; its root parts NaN from the numbers."""
    is_text = len(table.keys) > 0 and isinstance(table.keys[0], str)
    low = np.arange(len(table.keys), dtype=np.float64) if is_text else np.asarray(table.keys, np.float64)
    high = low if table.ends is None else np.asarray(table.ends, np.float64)
    order = np.argsort(low)
    cuts = np.column_stack([np.nextafter(low[order], -np.inf), high[order]]).ravel()
    rows = [table.other]
    for row in table.rows[order]:
        rows += [row, table.other]
    nodes = _Nodes([], [], [], [])
    nodes.add(np.inf, table.other)
    nodes.left[0], nodes.right[0] = nodes.grow(cuts, rows), nodes.add(0.0, table.missing)
    return nodes.tree(feature, target)


@dataclass(frozen=True, slots=True)
class _Nodes:
    """A tree that grows: parallel lists over its nodes."""

    threshold: list[float]
    left: list[int]
    right: list[int]
    value: list[Floats]

    def add(self, threshold: float, value: Floats) -> int:
        """Append a leaf and return its number."""
        self.threshold.append(threshold)
        self.left.append(-1)
        self.right.append(-1)
        self.value.append(value)
        return len(self.left) - 1

    def grow(self, cuts: Floats, rows: Sequence[Floats]) -> int:
        """A subtree that gives ``rows[i]`` between cut i - 1 and cut i, the upper one included."""
        if not len(cuts):
            return self.add(0.0, rows[0])
        middle = len(cuts) // 2
        node = self.add(float(cuts[middle]), rows[0])
        self.left[node] = self.grow(cuts[:middle], rows[: middle + 1])
        self.right[node] = self.grow(cuts[middle + 1 :], rows[middle + 1 :])
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
            np.array(self.value, np.float64),
            target,
        )


TRANSFORMERS = {"KBinsDiscretizer": bins}
