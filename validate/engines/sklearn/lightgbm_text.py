"""Check the text of a LightGBM model before LightGBM reads it.

LightGBM trusts the counts and indices in its files: a damaged one makes it read past the end of an array, or walk in a
circle for ever.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_INTEGER = re.compile(r"-?\d{1,18}")
_REAL = re.compile(r"[-+]?(\d+\.?\d*([eE][-+]?\d+)?|inf|nan)")
_TREE, _END = "Tree=", "end of trees"
_CATEGORICAL = 1
"""The bit of a decision type that says that the threshold is the number of a set of categories."""


class DamagedModelError(ValueError):
    """The text isn't a consistent LightGBM model; the message says where."""


@dataclass(frozen=True, slots=True)
class _Block:
    """The ``key=value`` lines of the header or of one tree."""

    where: str
    values: dict[str, str]

    def integers(self, key: str, count: int | None = None) -> list[int]:
        return [int(word) for word in self._words(key, count, _INTEGER)]

    def check_reals(self, key: str, count: int) -> list[str]:
        return self._words(key, count, _REAL)

    def number(self, key: str, low: int, high: int) -> int:
        value = self.integers(key, 1)[0]
        if not low <= value <= high:
            raise DamagedModelError(f"{self.where}: {key} is {value}")
        return value

    def _words(self, key: str, count: int | None, pattern: re.Pattern[str]) -> list[str]:
        words = self.values.get(key, "").split()
        if count is not None and len(words) != count:
            raise DamagedModelError(f"{self.where}: {key} has {len(words)} values, not {count}")
        if not all(map(pattern.fullmatch, words)):
            raise DamagedModelError(f"{self.where}: {key} has a value that is not a number")
        return words


def check_text(content: bytes) -> str:
    """The text of a model file. Raises :class:`DamagedModelError` where counts, indices or offsets don't fit."""
    text = content.decode("utf-8").replace("\r\n", "\n")
    if "\0" in text:
        raise DamagedModelError("it has a NUL character")
    head, *trees = re.split(rf"^{_TREE}", text, flags=re.MULTILINE)
    if not trees or f"\n{_END}" not in trees[-1]:
        raise DamagedModelError("it has no trees, or its end is missing")
    if "\nparameters:" in text and "\nend of parameters" not in text:  # LightGBM would read on for ever
        raise DamagedModelError("the end of its parameters is missing")
    trees[-1] = trees[-1][: trees[-1].index(f"\n{_END}") + 1]
    header = _block("header", head.splitlines())
    features = _check_header(header, len(trees))
    _check_sizes(header, [f"{_TREE}{tree}" for tree in trees])
    for number, tree in enumerate(trees):
        first, *lines = tree.splitlines()
        if first != str(number):
            raise DamagedModelError(f"tree {number} has the number {first[:20]!r}")
        _check_tree(_block(f"tree {number}", lines), features)
    return text


def _block(where: str, lines: list[str]) -> _Block:
    values: dict[str, str] = {}
    for key, equals, value in (line.partition("=") for line in lines):
        if equals and key in values:
            raise DamagedModelError(f"{where}: {key[:40]!r} is there twice")
        values[key] = value
    return _Block(where, values)


def _check_header(header: _Block, trees: int) -> int:
    """Check the counts of the header; return the number of features."""
    classes = header.number("num_class", 1, 1_000_000)
    rounds_of = header.number("num_tree_per_iteration", 1, 1_000_000)
    features = header.number("max_feature_idx", 0, 100_000_000) + 1
    if trees % rounds_of or rounds_of not in {1, classes}:
        raise DamagedModelError(f"header: {trees} trees, {rounds_of} per iteration, {classes} classes")
    named = re.search(r"num_class:(\S+)", header.values.get("objective", ""))
    if named and named[1] != str(classes):
        raise DamagedModelError(f"header: the objective has {named[1][:20]} classes, the model {classes}")
    for key in ("feature_names", "feature_infos"):
        if len(header.values.get(key, "").split()) != features:
            raise DamagedModelError(f"header: {key} doesn't have {features} entries")
    return features


def _check_sizes(header: _Block, trees: list[str]) -> None:
    """``tree_sizes`` are the bytes from the start of each tree to the next one."""
    if "tree_sizes" not in header.values:
        return
    if header.integers("tree_sizes", len(trees)) != [len(tree.encode()) for tree in trees]:
        raise DamagedModelError("header: tree_sizes doesn't fit the trees")


def _check_tree(tree: _Block, features: int) -> None:
    leaves = tree.number("num_leaves", 1, 100_000_000)
    tree.check_reals("leaf_value", leaves)
    categories = tree.number("num_cat", 0, 100_000_000)
    if leaves > 1:
        _check_nodes(tree, leaves, features, categories)
    if tree.values.get("is_linear") == "1":
        _check_linear(tree, leaves, features)
    if tree.values.get("is_linear", "0") not in {"0", "1"}:
        raise DamagedModelError(f"{tree.where}: is_linear is neither 0 nor 1")


def _check_nodes(tree: _Block, leaves: int, features: int, categories: int) -> None:
    split, kinds = tree.integers("split_feature", leaves - 1), tree.integers("decision_type", leaves - 1)
    thresholds = tree.check_reals("threshold", leaves - 1)
    if not all(0 <= feature < features for feature in split):
        raise DamagedModelError(f"{tree.where}: it splits by a feature that isn't there")
    _check_children(tree, tree.integers("left_child", leaves - 1), tree.integers("right_child", leaves - 1))
    sets = [float(t) for t, kind in zip(thresholds, kinds, strict=True) if kind & _CATEGORICAL]
    if not all(0 <= each < categories for each in sets):
        raise DamagedModelError(f"{tree.where}: it splits by a set of categories that isn't there")
    if categories:
        bounds = tree.integers("cat_boundaries", categories + 1)
        if bounds[0] != 0 or sorted(bounds) != bounds:
            raise DamagedModelError(f"{tree.where}: cat_boundaries doesn't ascend from 0")
        tree.integers("cat_threshold", bounds[-1])


def _check_children(tree: _Block, left: list[int], right: list[int]) -> None:
    """Every node but the root, and every leaf, is the child of exactly one node, and reached from the root."""
    nodes = len(left)
    if sorted([*left, *right]) != [*range(-nodes - 1, 0), *range(1, nodes)]:
        raise DamagedModelError(f"{tree.where}: its nodes don't form a tree")
    reached, todo = 0, [0]
    while todo:
        node = todo.pop()
        reached += 1
        todo += [child for child in (left[node], right[node]) if child >= 0]
    if reached != nodes:
        raise DamagedModelError(f"{tree.where}: some of its nodes can't be reached")


def _check_linear(tree: _Block, leaves: int, features: int) -> None:
    tree.check_reals("leaf_const", leaves)
    counts = tree.integers("num_features", leaves)
    if min(counts) < 0:
        raise DamagedModelError(f"{tree.where}: num_features has a negative count")
    used = tree.integers("leaf_features", sum(counts))
    tree.check_reals("leaf_coeff", sum(counts))
    if not all(0 <= feature < features for feature in used):
        raise DamagedModelError(f"{tree.where}: a leaf uses a feature that isn't there")
