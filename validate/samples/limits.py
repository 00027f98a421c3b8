"""Shapes for generated samples where a conversion supports certain lengths only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..errors import ParityGateError
from ..signature import Signature, TensorSpec
from .axes import layouts

Shape = tuple[int, ...]
Listed = Mapping[str, tuple[Shape, ...]]
Bounds = Mapping[tuple[str, int], tuple[int, int]]


def limited(signature: Signature, listed: Listed, bounds: Bounds) -> Signature:
    """The signature with layouts at both ends and at the odd middle of ``bounds``, and with all ``listed`` shapes.

    ``bounds`` maps (input, axis) to the lowest and highest length. All axes with the same symbol get the same length,
    also where a listed shape decides it; axes without limits keep their usual lengths. Raises ParityGateError PG201
    for limits that fit no input.
    """
    check_limits(signature, listed, bounds)
    tries = _lengths(signature, bounds) | listed_lengths(signature, listed)
    if not (tries or listed):
        return signature
    free = layouts(signature, None)
    turns = max(map(len, (*tries.values(), *listed.values())))
    chosen = tuple(
        {
            spec.name: _shape(spec, free[turn % len(free)].shapes[spec.name], listed, _of_turn(tries, turn), turn)
            for spec in signature.inputs
        }
        for turn in range(turns)
    )
    return replace(signature, layouts=chosen)


def listed_lengths(signature: Signature, listed: Listed) -> dict[str, tuple[int, ...]]:
    """Symbol of an axis -> its length in each listed shape of an input with this axis."""
    return {
        dim: tuple(shape[axis] for shape in listed[spec.name])
        for spec in signature.inputs
        for axis, dim in enumerate(spec.shape or ())
        if spec.name in listed and isinstance(dim, str)
    }


def fixed_lengths(signature: Signature, listed: Listed, bounds: Bounds) -> dict[str, int]:
    """Symbol of an axis -> its length, where the user allows only one: by one shape, or a range from n to n."""
    tries = _lengths(signature, bounds) | listed_lengths(signature, listed)
    return {symbol: lengths[0] for symbol, lengths in tries.items() if len(set(lengths)) == 1}


def check_limits(signature: Signature, listed: Listed, bounds: Bounds) -> None:
    """Check the user's limits.

    Raises ParityGateError PG201 for a shape that its input can't have, and for names and axes that don't exist.
    """
    specs = {spec.name: spec for spec in signature.inputs}
    for name in (*listed, *(name for name, _ in bounds)):
        if name not in specs:
            raise ParityGateError("PG201", name, "the model has no such input", f"Inputs: {', '.join(specs)}.")
    for (name, axis), limits in bounds.items():
        shape = specs[name].shape or ()
        if axis >= len(shape):
            raise ParityGateError("PG201", f"{name}:{axis}", f"{specs[name]} has no such axis")
        if isinstance(shape[axis], int) and set(limits) != {shape[axis]}:
            raise ParityGateError("PG201", f"{name}:{axis}", f"the length of this axis of {specs[name]} is fixed")
    for name, shapes in listed.items():
        for shape in shapes:
            _check_shape(specs[name], shape)


def _check_shape(spec: TensorSpec, shape: Shape) -> None:
    declared = spec.shape or ()
    if len(shape) != len(declared) or any(isinstance(d, int) and d != n for d, n in zip(declared, shape, strict=True)):
        raise ParityGateError("PG201", spec.name, f"the shape {list(shape)} doesn't fit {spec}")


def _lengths(signature: Signature, bounds: Bounds) -> dict[str, tuple[int, ...]]:
    """Symbol of an axis -> the lengths to try."""
    specs = {spec.name: spec for spec in signature.inputs}
    lengths: dict[str, tuple[int, ...]] = {}
    for (name, axis), (low, high) in bounds.items():
        shape = specs[name].shape if name in specs else None
        if shape and axis < len(shape) and isinstance(shape[axis], str):
            lengths[str(shape[axis])] = _within(low, high)
    return lengths


def _within(low: int, high: int) -> tuple[int, ...]:
    """Both ends, 2, and the middle, made odd where it can be."""
    middle = (low + high) // 2
    odd = next((length for length in (middle | 1, middle - 1) if low <= length <= high and length % 2), middle)
    return tuple(sorted({low, high, odd, *({2} if low <= 2 <= high else ())}))


def _of_turn(tries: Mapping[str, tuple[int, ...]], turn: int) -> dict[str, int]:
    return {symbol: lengths[turn % len(lengths)] for symbol, lengths in tries.items()}


def _shape(spec: TensorSpec, free: Shape, listed: Listed, lengths: Mapping[str, int], turn: int) -> Shape:
    if spec.name in listed:
        return listed[spec.name][turn % len(listed[spec.name])]
    return tuple(lengths.get(str(dim), length) for dim, length in zip(spec.shape or (), free, strict=True))
