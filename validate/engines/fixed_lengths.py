"""Lengths that the user gives with ``--input`` to axes that a file leaves open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..errors import ParityGateError
from ..signature import Dim, Signature, TensorSpec


def with_lengths(signature: Signature, declared: Sequence[TensorSpec]) -> Signature:
    """The signature with the numbers among the declared lengths in place of its symbols, wherever these occur.

    Names of axes in ``declared`` leave them as they are; an input of unknown rank takes the declared shape. Raises
    ParityGateError PG201 for an input that doesn't exist, or that has another dtype, rank or length.
    """
    own = {spec.name: spec for spec in signature.inputs}
    lengths: dict[str, int] = {}
    for spec in declared:
        if spec.name not in own:
            raise ParityGateError("PG201", f"--input {spec}", "the model has no such input", f"Inputs: {_listed(own)}.")
        lengths |= _lengths(own[spec.name], spec)
    wanted = {spec.name: spec.shape for spec in declared}
    inputs = tuple(
        _fixed(replace(spec, shape=wanted.get(spec.name)) if spec.shape is None else spec, lengths)
        for spec in signature.inputs
    )
    return replace(signature, inputs=inputs, outputs=tuple(_fixed(spec, lengths) for spec in signature.outputs))


def _lengths(own: TensorSpec, declared: TensorSpec) -> dict[str, int]:
    """Symbol of an axis -> the length that is declared for it."""
    pairs = list(zip(own.shape or (), declared.shape or (), strict=False))
    ranks = {len(shape) for shape in (own.shape, declared.shape) if shape is not None}
    differs = any(isinstance(a, int) and isinstance(b, int) and a != b for a, b in pairs)
    if own.dtype != declared.dtype or len(ranks) > 1 or differs:
        raise ParityGateError("PG201", f"--input {declared}", f"the model declares {own}")
    return {a: b for a, b in pairs if isinstance(a, str) and isinstance(b, int)}


def _fixed(spec: TensorSpec, lengths: Mapping[str, int]) -> TensorSpec:
    shape: tuple[Dim, ...] | None = None if spec.shape is None else tuple(lengths.get(str(d), d) for d in spec.shape)
    return replace(spec, shape=shape)


def _listed(own: Mapping[str, TensorSpec]) -> str:
    return ", ".join(map(str, own.values()))
