"""The file that carries the reference's ensembles to the candidate's worker: an .npz of plain arrays, nothing pickled.

All trees of ensemble number n are in ``n/feature``, ``n/threshold``, ``n/left``, ``n/right`` and ``n/missing_left``,
one after the other; ``n/nodes`` are their lengths, ``n/columns`` how many targets the leaves of each add to,
``n/target`` the first of these, and ``n/value`` the leaves' values. ``paritygate.json`` holds the rest.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .ensemble import Ensemble, Reading
from .readers.links import Link
from .tree import SplitTest, Tree

if TYPE_CHECKING:
    import numpy.typing as npt

_META = "paritygate.json"
_FIELDS = ("feature", "threshold", "left", "right", "missing_left")
_PLAIN = ("targets", "name", "single", "missing", "infinite", "direct", "constants", "columns", "outside")


def save_reading(reading: Reading, path: Path) -> None:
    """Write ensembles; :func:`load_reading` gives back the same bits."""
    arrays: dict[str, npt.NDArray[Any]] = {}
    heads = []
    for number, ensemble in enumerate(reading.ensembles):
        arrays |= {f"{number}/{key}": array for key, array in _arrays(ensemble)}
        heads.append(
            {name: getattr(ensemble, name) for name in _PLAIN}
            | {"test": ensemble.test.name, "link": ensemble.link and ensemble.link.name}
        )
    text = json.dumps({"ensembles": heads, "notes": reading.notes})
    np.savez(path, allow_pickle=False, **{_META: np.frombuffer(text.encode(), np.uint8)}, **arrays)


def _arrays(ensemble: Ensemble) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    trees = ensemble.trees
    for field in _FIELDS:
        yield field, np.concatenate([getattr(tree, field) for tree in trees])
    yield "value", np.concatenate([tree.value.astype(np.float64).ravel() for tree in trees])
    yield "nodes", np.array([len(tree.left) for tree in trees])
    yield "columns", np.array([tree.value.shape[1] for tree in trees])
    yield "target", np.array([tree.target for tree in trees])


def load_reading(path: Path) -> Reading:
    """Read what :func:`save_reading` wrote."""
    with np.load(path, allow_pickle=False) as file:
        head = json.loads(bytes(file[_META]).decode())
        found = [
            _ensemble({key: file[f"{number}/{key}"] for key in (*_FIELDS, "value", "nodes", "columns", "target")}, each)
            for number, each in enumerate(head["ensembles"])
        ]
    return Reading(tuple(found), tuple(head["notes"]))


def _ensemble(arrays: dict[str, npt.NDArray[Any]], head: dict[str, Any]) -> Ensemble:
    plain: dict[str, Any] = {name: tuple(head[name]) if isinstance(head[name], list) else head[name] for name in _PLAIN}
    link = Link[head["link"]] if head["link"] else None
    return Ensemble(tuple(_trees(arrays)), test=SplitTest[head["test"]], link=link, **plain)


def _trees(arrays: dict[str, npt.NDArray[Any]]) -> Iterator[Tree]:
    start = place = 0
    for nodes, columns, target in zip(*(arrays[key].tolist() for key in ("nodes", "columns", "target")), strict=True):
        own = {field: arrays[field][start : start + nodes] for field in _FIELDS}
        value = arrays["value"][place : place + nodes * columns].reshape(nodes, columns)
        yield Tree(**own, value=value, target=target)
        start, place = start + nodes, place + nodes * columns
