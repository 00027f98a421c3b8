"""Put a checkpoint's weights into the module that they belong to, and say what was chosen, left out or kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ....errors import ParityGateError
from .placement import Placement, placements
from .read import read_checkpoint, whole_of
from .tree import Found

_COMPUTED = frozenset({"inv_freq", "masked_bias", "total_ops", "total_params"})
"""Floating buffers that a module computes and no training changes: of LLaMA, of GPT-2, of a counter of operations."""

_SHOWN = 8


def load_weights(module: Any, path: Path, entry: str = "") -> tuple[str, ...]:
    """Load a file's weights, those below ``entry``, into the module; returns notes on what was chosen or left out.

    Raises ParityGateError PG402 naming the parameters that are missing, unexpected, or of another shape or kind;
    PG201 for an entry that the file doesn't have; and what :func:`.read.read_checkpoint` raises.
    """
    found = _below(path, entry, read_checkpoint(path))
    own = module.state_dict()
    places = placements({name: _shape(value) for name, value in own.items()}, found)
    if not places:
        raise _nothing_fits(path, own, found)
    place = places[0]
    state = {name: found[where].value for name, where in place.names(found).items()}
    _check(path, own, state, place)
    missing, unexpected = _load(path, module, state, found)
    missing = [name for name in missing if name not in _tied(module, state)]
    spare = [name for name in unexpected if _is_spare(module, name, state[name])]
    kept = [name for name in missing if _is_computed(name, own[name])]
    _refuse(
        path,
        place,
        missing=[name for name in missing if name not in kept],
        unexpected=[name for name in unexpected if name not in spare],
    )
    return (
        *_choice_notes(path, entry, place, places, found, own),
        *_left_out(place, found),
        *_spare_notes(module, spare, state),
        *_kept_notes(kept),
    )


def _below(path: Path, entry: str, found: Mapping[str, Found]) -> dict[str, Found]:
    """The tensors below an entry that the user named."""
    below = {place: each for place, each in found.items() if not entry or f"{place}.".startswith(f"{entry}.")}
    if entry and not below:
        holders = list(dict.fromkeys(each.holder for each in found.values() if each.holder))
        cause = f"{path.name} holds no tensors below '{entry}'"
        raise ParityGateError("PG201", f"--weights {path.name}:{entry}", cause, f"It has: {_listed(holders)}.")
    return below


def _shape(value: Any) -> tuple[int, ...] | None:
    """None for what has no shape yet: a lazy layer's parameters take that of the file."""
    from torch.nn.parameter import is_lazy

    return None if is_lazy(value) or not hasattr(value, "shape") else tuple(value.shape)


def _nothing_fits(path: Path, own: Mapping[str, Any], found: Mapping[str, Found]) -> ParityGateError:
    if not found:
        return ParityGateError("PG402", str(path), "it holds no tensors", "Give the state dict of the module.")
    if not own:
        return ParityGateError("PG402", str(path), "the module has no weights", "Leave --weights out.")
    cause = (
        f"none of its {len(found)} tensors has a name of the module's: it has {_listed(list(found), 3)}, "
        f"the module {_listed(list(own), 3)}"
    )
    return ParityGateError("PG402", str(path), cause, _remedy(path, found))


def _remedy(path: Path, found: Iterable[str]) -> str:
    whole = whole_of(path)
    if whole is not None:
        return f"It is one part of several. Give all of them by their index: --weights {whole.name}."
    return "The function must build the architecture that was trained, with the same sizes."


def _check(path: Path, own: Mapping[str, Any], state: Mapping[str, Any], place: Placement) -> None:
    """Raises PG402 for shapes that differ, and for integers in the place of floating numbers."""
    both = [name for name in own if name in state]
    _refuse(
        path,
        place,
        different_shape=[
            f"{name} {list(state[name].shape)} for {list(shape)}"
            for name in both
            if (shape := _shape(own[name])) not in (None, tuple(state[name].shape))
        ],
        different_kind=[
            f"{name} {_dtype(state[name])} for {_dtype(own[name])}"
            for name in both
            if hasattr(own[name], "is_floating_point") and _kind(state[name]) != _kind(own[name])
        ],
    )


def _dtype(value: Any) -> str:
    return str(value.dtype).removeprefix("torch.")


def _kind(value: Any) -> tuple[bool, bool, bool]:
    return value.is_floating_point(), value.is_complex(), value.is_quantized


def _load(path: Path, module: Any, state: Mapping[str, Any], found: Mapping[str, Found]) -> tuple[list[str], list[str]]:
    try:
        result = module.load_state_dict(dict(state), strict=False)
    except Exception as error:  # a module's own hooks may raise anything
        cause = f"the module doesn't take its weights: {type(error).__name__}: {error}"
        raise ParityGateError("PG402", str(path), cause, _remedy(path, found)) from error
    return list(result.missing_keys), list(result.unexpected_keys)


def _tied(module: Any, state: Mapping[str, Any]) -> set[str]:
    """Names of parameters that are loaded under another name: safetensors files hold a shared one only once."""
    names: dict[int, list[str]] = {}
    for name, value in module.state_dict(keep_vars=True).items():
        names.setdefault(id(value), []).append(name)
    return {name for shared in names.values() for name in shared if any(each in state for each in shared)}


def _is_computed(name: str, value: Any) -> bool:
    """Whether a value that the file lacks is right as the module made it: a counter, positions, a mask."""
    from torch.nn import Parameter

    if isinstance(value, Parameter) or not hasattr(value, "is_floating_point"):
        return False
    return not (value.is_floating_point() or value.is_complex()) or name.rpartition(".")[2] in _COMPUTED


def _is_spare(module: Any, name: str, value: Any) -> bool:
    """Whether a value of the file belongs to no parameter: newer code computes it, or doesn't save it."""
    own_buffer = name in dict(module.named_buffers())
    return own_buffer or not value.is_floating_point() or name.rpartition(".")[2] in _COMPUTED


def _refuse(path: Path, place: Placement, **problems: Sequence[str]) -> None:
    """Raises PG402 with the names, if there are any."""
    if not any(problems.values()):
        return
    where = f" (those below '{place.below[:-1]}')" if place.below else ""
    listed = "; ".join(f"{kind.replace('_', ' ')}: {_listed(names)}" for kind, names in problems.items() if names)
    raise ParityGateError("PG402", str(path), f"the weights{where} don't fit the module: {listed}", _remedy(path, ()))


def _listed(names: Sequence[str], limit: int = _SHOWN) -> str:
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")


def _choice_notes(
    path: Path, entry: str, place: Placement, places: Sequence[Placement], found: Mapping[str, Found],
    own: Mapping[str, Any],
) -> Iterator[str]:  # fmt: skip
    """What was taken, and what would have fitted as well, with other values."""
    if place.below and place.below != f"{entry}.":
        yield f"the weights are those below '{place.below[:-1]}' in {path.name}"
    for other in places:
        equal = (other.fitting, other.inside, other.dropped) == (place.fitting, place.inside, place.dropped)
        if equal and other.below != place.below and place.fitting == len(own) and _differ(place, other, found):
            kind = " (averages of the weights)" if other.averaged else ""
            there = f"--weights {path.name}:{other.below[:-1]}"
            yield f"those below '{other.below[:-1]}' fit as well{kind} and were not taken: {there}"


def _differ(place: Placement, other: Placement, found: Mapping[str, Found]) -> bool:
    import torch

    first, second = place.names(found), other.names(found)
    return any(
        name in second and not torch.equal(found[where].value, found[second[name]].value)
        for name, where in first.items()
    )


def _left_out(place: Placement, found: Mapping[str, Found]) -> Iterator[str]:
    """Tensors beside those that were taken, in the same dictionary."""
    taken = set(place.names(found).values())
    holders = {found[where].holder for where in taken}
    others = [where for where, each in found.items() if where not in taken and each.holder in holders]
    if others:
        yield f"{len(others)} other tensors are not of this module: {_listed(others, 3)}"


def _spare_notes(module: Any, spare: Sequence[str], state: Mapping[str, Any]) -> Iterator[str]:
    """Buffers in the file that aren't loaded; whether the module's own have other values."""
    import torch

    buffers = dict(module.named_buffers())
    if spare:
        yield f"the module doesn't load {_listed(spare)} of the file: buffers, which it computes itself"
    other = [n for n in spare if n in buffers and not torch.equal(buffers[n].cpu(), state[n].to(buffers[n].dtype))]
    if other:
        yield f"the file has other values than the module computes for {_listed(other)}; the module's are used"


def _kept_notes(kept: Sequence[str]) -> Iterator[str]:
    if kept:
        yield f"the file lacks {_listed(kept)}: buffers, for which the module's own values are used"
