"""The tensors in a checkpoint by their places in it, however deep they lie."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ....guard.inert import Inert

_DEEPEST = 40
_PARTS = ("_parameters", "_buffers", "_modules")
"""Where a module of PyTorch's keeps what its state dict lists."""


@dataclass(frozen=True, slots=True)
class Found:
    """A tensor, and the place of the dictionary that holds it: all but the last key, joined by dots."""

    value: Any
    holder: str


def find_tensors(tree: Any, is_tensor: Callable[[Any], bool]) -> dict[str, Found]:
    """Place -> tensor, in the order of the file. A place is the keys that lead to it, joined by dots.

    Dictionaries, lists, and objects of classes that aren't imported are walked through, each once: a file may hold
    one in itself.
    """
    found: dict[str, Found] = {}
    seen: set[int] = set()

    def walk(value: Any, path: tuple[str, ...]) -> None:
        if is_tensor(value):
            found.setdefault(".".join(path), Found(value, ".".join(path[:-1])))
        elif id(value) not in seen and len(path) < _DEEPEST:
            seen.add(id(value))
            for key, child in _children(value):
                walk(child, (*path, key))

    walk(tree, ())
    return found


def _children(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from ((key, child) for key, child in value.items() if isinstance(key, str) and key)
    elif isinstance(value, list | tuple):
        yield from ((str(index), child) for index, child in enumerate(value))
    elif isinstance(value, Inert):
        yield from _children(value.items)
        yield from _attributes(value.attributes)


def _attributes(attributes: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    """The children of an object; those of a module are its parameters, buffers and submodules, as in a state dict."""
    if not set(_PARTS) <= set(attributes):
        yield from _children(attributes)
        return
    hidden = attributes.get("_non_persistent_buffers_set") or ()
    for part in _PARTS:
        contents = attributes[part]
        contents = contents.items if isinstance(contents, Inert) else contents
        yield from ((name, child) for name, child in _children(contents) if name not in hidden)
