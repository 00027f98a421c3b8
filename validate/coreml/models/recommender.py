"""Recommendations by the similarity of items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..errors import damaged, unsupported
from ..files.proto import Message
from ..graph import Graph, Pairs, Slot, Tensor
from .base import ModelContext
from .vectors import dense, labels_of

if TYPE_CHECKING:
    from ...signature import Array

_MAX_ITEMS = 1 << 14
"""The table of similarities is square."""


def item_similarity_recommender(g: Graph, context: ModelContext, slots: Mapping[str, Slot]) -> dict[str, Slot]:
    """Items by descending score: the sum of similarity * (score - adjustment) over the input items.

    Input items and excluded items are not recommended; of equal scores the earlier item comes first.
    """
    p = context.body
    items, similar, adjustment = _table(p)
    given = _pairs(slots, p.itemInputFeatureName)
    ones = g.op("Expand", g.const([1.0], "float64"), g.op("Shape", given.keys))
    observed, scores = dense(g, Pairs(given.keys, ones), items), dense(g, given, items)
    own = g.op("MatMul", g.const(similar), g.op("Mul", observed, scores))
    shift = g.op("Mul", g.op("MatMul", g.const(similar), observed), g.const(adjustment))
    allowed = g.op("Equal", observed, g.like(0, observed))
    for name, wanted in ((p.itemExclusionInputFeatureName, False), (p.itemRestrictionInputFeatureName, True)):
        if name in slots:
            allowed = g.op("And", allowed, _listed(g, slots[name], name, items, wanted))
    return _ranked(g, context, items, g.op("Sub", own, shift), allowed, _limit(g, p, slots))


def _ranked(
    g: Graph, context: ModelContext, items: Array, scores: Tensor, allowed: Tensor, limit: Tensor | None
) -> dict[str, Slot]:
    p = context.body
    count = g.op("ReduceSum", g.cast(allowed, "int64"), g.const([0], "int64"))
    most = count if limit is None else g.op("Min", count, limit)
    best, order = g.ops("TopK", g.op("Where", allowed, scores, g.like(-np.inf, scores)), most, outputs=2, axis=0)
    names = g.op("Gather", g.const(items), order)
    results: dict[str, Slot] = {}
    if p.recommendedItemListOutputFeatureName:
        results[p.recommendedItemListOutputFeatureName] = names
    if p.recommendedItemScoreOutputFeatureName:
        results[p.recommendedItemScoreOutputFeatureName] = Pairs(names, best)
    return results


def _table(p: Message) -> tuple[Array, Array, Array]:
    """The items' names, similar[k, i], and the adjustment of each k."""
    entries = p.itemItemSimilarities
    used = {e.itemId for e in entries} | {c.itemId for e in entries for c in e.similarItemList}
    names = labels_of(list(p.itemStringIds.vector or p.itemInt64Ids.vector or range(max(used, default=-1) + 1)))
    if max(used, default=-1) >= len(names):
        raise damaged("the recommender", f"it has {len(names)} items, but refers to item {max(used)}")
    if len(names) > _MAX_ITEMS:
        raise unsupported("the recommender", f"{len(names)} items are more than {_MAX_ITEMS}")
    similar, adjustment = np.zeros((len(names), len(names))), np.zeros(len(names))
    for entry in entries:
        adjustment[entry.itemId] = entry.itemScoreAdjustment
        for connected in entry.similarItemList:
            similar[connected.itemId, entry.itemId] = connected.similarityScore
    return names, similar, adjustment


def _pairs(slots: Mapping[str, Slot], name: str) -> Pairs:
    slot = slots.get(name)
    if not isinstance(slot, Pairs):
        raise unsupported(f"input '{name}'", "the recommender expects a dictionary of items and scores")
    return slot


def _listed(g: Graph, slot: Slot, name: str, items: Array, wanted: bool) -> Tensor:
    """Whether each item is (or is not) in a list; an empty list of wanted items doesn't restrict anything."""
    if isinstance(slot, Pairs):
        raise unsupported(f"input '{name}'", "a list of items is expected")
    matches = g.op("Equal", g.op("Unsqueeze", g.const(items), g.const([1], "int64")), g.reshape(slot, [-1]))
    hits = g.op("ReduceSum", g.cast(matches, "int64"), g.const([1], "int64"), keepdims=0)
    inside = g.op("Greater", hits, g.const(0, "int64"))
    if not wanted:
        return g.op("Not", inside)
    return g.op("Or", inside, g.op("Equal", g.op("Size", slot), g.const(0, "int64")))


def _limit(g: Graph, p: Message, slots: Mapping[str, Slot]) -> Tensor | None:
    """The requested number of items; None for all."""
    slot = slots.get(p.numRecommendationsInputFeatureName)
    if not isinstance(slot, Tensor):
        return None
    asked = g.reshape(g.cast(slot, "int64"), [1])
    every = g.const([np.iinfo(np.int64).max], "int64")
    return g.op("Where", g.op("Less", asked, g.const(0, "int64")), every, asked)
