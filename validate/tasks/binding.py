"""Binds a candidate's inputs and outputs to its reference's: as the user says, and where there is one of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..errors import ParityGateError
from ..signature import Signature, TensorSpec
from .types import Bindings

_WRITTEN_BY_SKL2ONNX = {
    "output_label": ("label",),
    "output_probability": ("probabilities", "scores"),
    "variable": ("prediction", "transformed"),
}
"""How skl2onnx and onnxmltools name the outputs of an estimator -> our names for what they are."""


def completed(bindings: Bindings, reference: Signature, candidate: Signature) -> tuple[Bindings, tuple[str, ...]]:
    """The bindings, with an only input or output bound to the reference's only one, and notes that say so.

    Raises ParityGateError PG201 where a bound name doesn't exist, with the names of both models.
    """
    _check("--bind-input", "inputs", bindings.inputs, candidate.inputs, reference.inputs)
    _check("--bind", "outputs", bindings.outputs, candidate.outputs, reference.outputs)
    inputs = _only("input", bindings.inputs, candidate.inputs, reference.inputs)
    outputs = _only("output", bindings.outputs, candidate.outputs, reference.outputs)
    outputs = outputs or _by_convention(bindings.outputs, candidate.outputs, reference.outputs)
    notes = tuple(
        f"{kind} '{name}' is bound to '{partner}': {_why(kind, name)}"
        for kind, found in (("input", inputs), ("output", outputs))
        for name, partner in found.items()
    )
    whole = replace(bindings, inputs={**bindings.inputs, **inputs}, outputs={**bindings.outputs, **outputs})
    return whole, notes


def _why(kind: str, name: str) -> str:
    return "skl2onnx names it so" if name in _WRITTEN_BY_SKL2ONNX else f"each model has one {kind}"


def _by_convention(
    bound: Mapping[str, str], candidate: Sequence[TensorSpec], reference: Sequence[TensorSpec]
) -> dict[str, str]:
    """Outputs with the names that skl2onnx gives by default, where the reference has what they stand for."""
    wanted = [spec.name for spec in reference]
    names = [spec.name for spec in candidate if spec.name not in (*wanted, *bound)]
    pairs = {name: partner for name in names for partner in _WRITTEN_BY_SKL2ONNX.get(name, ()) if partner in wanted}
    taken = {*bound.values(), *(spec.name for spec in candidate)}
    return {name: partner for name, partner in pairs.items() if partner not in taken}


def columns_for_vectors(bindings: Bindings, reference: Signature, candidate: Signature) -> frozenset[str]:
    """The candidate's outputs that are one column (n, 1) for what an estimator gives as a vector (n,)."""
    shapes = {spec.name: spec.shape for spec in reference.outputs}
    return frozenset(
        spec.name
        for spec in candidate.outputs
        if spec.shape is not None and len(spec.shape) == 2 and spec.shape[1] == 1
        and len(shapes.get(bindings.outputs.get(spec.name, spec.name)) or ()) == 1
    )  # fmt: skip


def check_classes(bindings: Bindings, reference: Signature, candidate: Signature) -> None:
    """Raises ParityGateError PG302 where the classes of a table of scores aren't the reference's, in their order."""
    for name, classes in candidate.classes.items():
        known = reference.classes.get(bindings.outputs.get(name, name))
        if known is not None and tuple(known) != tuple(classes):
            cause = f"its classes {classes} are not those of the reference, {known}"
            raise ParityGateError("PG302", name, cause, "Convert the model again.")


def _check(
    option: str,
    kind: str,
    bound: Mapping[str, str],
    candidate: Sequence[TensorSpec],
    reference: Sequence[TensorSpec],
) -> None:
    sides = (("candidate", [spec.name for spec in candidate]), ("reference", [spec.name for spec in reference]))
    remedy = " ".join(f"The {side}'s {kind}: {', '.join(names)}." for side, names in sides)
    for name, partner in bound.items():
        for (side, names), given in zip(sides, (name, partner), strict=True):
            if given not in names:
                cause = f"the {side} has no {kind[:-1]} {given!r}"
                raise ParityGateError("PG201", f"{option} {name}={partner}", cause, remedy)


def _only(
    kind: str, bound: Mapping[str, str], candidate: Sequence[TensorSpec], reference: Sequence[TensorSpec]
) -> dict[str, str]:
    """The candidate's only name, and the reference's that it stands for; none where they are equal or unlike."""
    if bound or len(candidate) != 1 or len(reference) != 1:
        return {}
    (own,), (other,) = candidate, reference
    return {own.name: other.name} if own.name != other.name and _are_alike(kind, own, other) else {}


def _are_alike(kind: str, candidate: TensorSpec, reference: TensorSpec) -> bool:
    """Whether dtype and rank are the same; an output may have another width that its reference accepts."""
    if candidate.shape is None or reference.shape is None or len(candidate.shape) != len(reference.shape):
        return False
    accepted = reference.accepts if kind == "output" else ()
    return candidate.dtype in (reference.dtype, *accepted)
