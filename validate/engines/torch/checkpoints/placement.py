"""Where in a checkpoint the tensors of a module lie.

Training programs put a module's state dict into other dictionaries, and wrappers (DataParallel, torch.compile,
Lightning) put a prefix to its names. Both are the same here: a place in the file below which the module's names are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .tree import Found

_WRAPPERS = frozenset({"_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_forward_module"})
"""What torch.compile, FSDP and activation checkpointing put between a module's name and its parameters'."""

_PARALLEL = frozenset({"module"})
_AVERAGED = re.compile(r"(^|[._])(ema|swa|averaged?|shadow|teacher|momentum)([._\d]|$)", re.I)
_TRAINING = re.compile(r"(^|\.)(optim|opt_|lr_sched|sched|exp_avg|callbacks|grads?\b|loops)", re.I)


@dataclass(frozen=True, slots=True)
class Placement:
    """A place (``below``, "" or ending in a dot) where module names lie, and how many of them it has.

    ``inside`` is the part of the module's own names that the file leaves out, where the module wraps the one that was
    saved. ``dropped`` are the components that are left out of the file's names.
    """

    below: str
    inside: str
    dropped: frozenset[str]
    fitting: int
    named: int

    @property
    def averaged(self) -> bool:
        """Whether its name says that it holds averages of the weights."""
        return _AVERAGED.search(self.below) is not None

    @property
    def order(self) -> tuple[int, int, bool, bool, int, int]:
        """Places in the order of preference: what fits best; then plain weights; then without further assumptions."""
        training = _TRAINING.search(self.below) is not None
        return (-self.fitting, -self.named, training, self.averaged, len(self.dropped), len(self.inside))

    def names(self, found: Mapping[str, Found]) -> dict[str, str]:
        """The module's name -> the place in the file, for everything below."""
        plain = {place: shortened(place, self.dropped) for place in found}
        return {
            self.inside + name.removeprefix(self.below): place
            for place, name in plain.items()
            if name.startswith(self.below)
        }


def placements(own: Mapping[str, Any], found: Mapping[str, Found]) -> list[Placement]:
    """All places that hold a name of the module's, the best first. ``own`` are its names and the shapes of each."""
    made: list[Placement] = []
    for dropped in (frozenset[str](), _WRAPPERS, _WRAPPERS | _PARALLEL):
        for inside in _inside(list(own)):
            made += _placements(own, found, dropped, inside)
        if any(each.fitting == len(own) for each in made):
            break
    return sorted(made, key=lambda each: each.order)


def _inside(names: Sequence[str]) -> Iterator[str]:
    """The prefixes that all of the module's names have: "" first, then ``model.`` and so on."""
    common = names[0].split(".")[:-1] if names else []
    for count in range(len(common) + 1):
        prefix = "".join(f"{part}." for part in common[:count])
        if all(name.startswith(prefix) for name in names):
            yield prefix


def _placements(
    own: Mapping[str, Any], found: Mapping[str, Found], dropped: frozenset[str], inside: str
) -> Iterator[Placement]:
    wanted = {name.removeprefix(inside): shape for name, shape in own.items()}
    named: dict[str, int] = {}
    fitting: dict[str, int] = {}
    for place, each in found.items():
        for below, name in _splits(shortened(place, dropped)):
            if name in wanted:
                named[below] = named.get(below, 0) + 1
                fitting[below] = fitting.get(below, 0) + (wanted[name] in (None, tuple(each.value.shape)))
    for below, count in named.items():
        yield Placement(below, inside, dropped, fitting[below], count)


def _splits(place: str) -> Iterator[tuple[str, str]]:
    """A place as (what is in front, name), for every dot in it."""
    parts = place.split(".")
    for count in range(len(parts)):
        yield "".join(f"{part}." for part in parts[:count]), ".".join(parts[count:])


def shortened(place: str, dropped: frozenset[str]) -> str:
    """A place without the components that are left out."""
    return ".".join(part for part in place.split(".") if part not in dropped) if dropped else place
