"""Where two trees part first, and what differs there."""

from __future__ import annotations

import numpy as np

from .leaves import Pair
from .normal import Domain, NormalTree, number_of
from .overlay import Meeting
from .relation import Column, Leaves


def parting(pair: Pair, meeting: Meeting, domain: Domain) -> int:
    """The first node of the reference's tree that isn't the candidate's, else the leaf."""
    size = min(len(pair.one.left), len(pair.other.left))
    fields = ["feature", "limit", "left", "right", *(["missing_left"] if domain.missing else [])]
    other = np.zeros(size, np.bool_)
    for name in fields:
        other |= getattr(pair.one, name)[:size] != getattr(pair.other, name)[:size]
    places = np.flatnonzero(other)
    return int(places[0]) if len(places) else meeting.first


def part_of(
    pair: Pair, meeting: Meeting, domain: Domain, leaves: Leaves, place: int, column: Column
) -> tuple[str, float | str, float | str]:
    """What differs first, and both sides' values of it."""
    node = parting(pair, meeting, domain)
    one, other = pair.one, pair.other
    if node == meeting.first and one.left[node] < 0 and (node >= len(other.left) or other.left[node] < 0):
        return "leaf", float(column.factor * leaves.reference[0, column.source]), float(leaves.candidate[0, place])
    if (one.left[node] < 0) != (other.left[node] < 0):
        return "shape", _kind(one, node), _kind(other, node)
    if one.feature[node] != other.feature[node]:
        return "feature", int(one.feature[node]), int(other.feature[node])
    if one.limit[node] != other.limit[node]:
        return "threshold", _limit(one, node, domain), _limit(other, node, domain)
    if one.missing_left[node] != other.missing_left[node]:
        return "missing direction", _way(one, node), _way(other, node)
    return "shape", int(one.left[node]), int(other.left[node])


def _limit(tree: NormalTree, node: int, domain: Domain) -> float:
    low, high = domain.ends
    return number_of(min(max(int(tree.limit[node]), low), high), domain.dtype)


def _way(tree: NormalTree, node: int) -> str:
    return "left" if tree.missing_left[node] else "right"


def _kind(tree: NormalTree, node: int) -> str:
    return "a leaf" if tree.left[node] < 0 else "a split"
