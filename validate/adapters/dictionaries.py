"""A classifier's dictionary of probabilities as the array that the reference outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ParityGateError
from ..signature import STRING, ClassLabel, Signature, TensorSpec

if TYPE_CHECKING:
    from ..signature import Array

KEYS, VALUES = "/keys", "/values"

Classes = Mapping[str, tuple[ClassLabel, ...]]


def fold(outputs: Mapping[str, Array], classes: Classes, bound: Mapping[str, str]) -> dict[str, Array]:
    """The outputs of one sample with each dictionary in ``classes`` as a vector, in the order of its classes.

    A label that is bound to no output of the reference must be the class with the greatest value; it is then dropped,
    because it is redundant. Raises ParityGateError PG302 if it isn't, or if the keys are not these classes.
    """
    folded = dict(outputs)
    for name, labels in classes.items():
        if name + KEYS in outputs:
            keys, values = folded.pop(name + KEYS), folded.pop(name + VALUES)
            folded[name] = _ordered(name, keys.reshape(-1).tolist(), values.reshape(-1), labels)
            for label in _unbound_labels(folded, bound):
                _check_label(label, folded.pop(label), folded[name], labels)
    return folded


def folded_signature(signature: Signature, classes: Classes, bound: Mapping[str, str]) -> Signature:
    """The signature of the outputs of :func:`fold`."""
    dictionaries = {name for name in classes if any(spec.name == name + KEYS for spec in signature.outputs)}
    kept = tuple(spec for spec in map(_folded, signature.outputs) if spec is not None)
    if not dictionaries:
        return signature
    return replace(signature, outputs=tuple(s for s in kept if not (_is_label(s) and s.name not in bound)))


def _folded(spec: TensorSpec) -> TensorSpec | None:
    if spec.name.endswith(KEYS):
        return None
    return replace(spec, name=spec.name.removesuffix(VALUES))


def _ordered(name: str, keys: Sequence[ClassLabel], values: Array, labels: tuple[ClassLabel, ...]) -> Array:
    places = {key: place for place, key in enumerate(keys)}
    if len(places) != len(labels) or set(places) != set(labels):
        raise ParityGateError(
            "PG302", name, f"its keys {_few(keys)} are not the classes of the reference, {_few(labels)}"
        )
    return values[[places[label] for label in labels]]


def _unbound_labels(outputs: Mapping[str, Array], bound: Mapping[str, str]) -> list[str]:
    return [name for name, a in outputs.items() if name not in bound and a.size == 1 and a.dtype.kind in "UOiu"]


def _is_label(spec: TensorSpec) -> bool:
    return spec.dtype in (STRING, "int64") and spec.shape == (1,)


def _check_label(name: str, label: Array, values: Array, labels: tuple[ClassLabel, ...]) -> None:
    given = label.reshape(-1)[0]
    if given not in labels or values[labels.index(given)] < np.nanmax(values):
        raise ParityGateError("PG302", name, f"the label {given!r} is not the class with the greatest value")


def _few(labels: Sequence[ClassLabel]) -> str:
    shown = ", ".join(map(repr, labels[:4]))
    return f"{shown}, ... ({len(labels)})" if len(labels) > 4 else shown


def ordered_like(outputs: Mapping[str, Array], wanted: Mapping[str, Array]) -> dict[str, Array]:
    """``outputs`` with the entries of dictionaries in the order of ``wanted``: they have none of their own."""
    ordered = dict(outputs)
    for keys in [name for name in wanted if name.endswith(KEYS) and name in outputs]:
        values = keys.removesuffix(KEYS) + VALUES
        found = dict(zip(outputs[keys].tolist(), outputs[values].tolist(), strict=True))
        if found.keys() == set(wanted[keys].tolist()):
            ordered[keys] = wanted[keys]
            ordered[values] = np.array([found[key] for key in wanted[keys].tolist()], outputs[values].dtype)
    return ordered
