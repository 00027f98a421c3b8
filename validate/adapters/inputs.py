"""Feed the reference's samples to a candidate: under its names, and in its dtypes without silent loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ParityGateError
from ..signature import STRING, ImageInput, Signature, TensorSpec
from .pixels import to_pixels

if TYPE_CHECKING:
    from ..signature import Array, Feed


class InputAdapter:
    """Turns reference feeds into candidate feeds, and collects a note for each input that it had to narrow.

    ``bindings`` maps candidate inputs to reference inputs; equal names need no binding. ``images`` are candidate
    inputs that take pixels. ``rounded`` is true once a floating value has changed.
    """

    def __init__(
        self, signature: Signature, bindings: Mapping[str, str], images: Mapping[str, ImageInput] | None = None
    ) -> None:
        self._specs = signature.inputs
        self._bindings = {spec.name: spec.name for spec in signature.inputs} | dict(bindings)
        self._images = images or {}
        self._notes: dict[str, None] = {}
        self.rounded = False

    @property
    def notes(self) -> tuple[str, ...]:
        """One note for each narrowed input."""
        return tuple(self._notes)

    def adapt(self, feed: Feed) -> dict[str, Array]:
        """The same values under the candidate's names and in its dtypes.

        Raises ParityGateError PG302 for an input without a binding, or with values that its dtype can't hold.
        """
        return {spec.name: self._cast(spec, self._pixels(spec, self._bound(spec, feed))) for spec in self._specs}

    def _pixels(self, spec: TensorSpec, array: Array) -> Array:
        return to_pixels(array, self._images[spec.name]) if spec.name in self._images else array

    def _bound(self, spec: TensorSpec, feed: Feed) -> Array:
        name = self._bindings[spec.name]
        if name not in feed:
            raise ParityGateError(
                "PG302",
                spec.name,
                f"this input of the candidate is not bound to an input of the reference ({', '.join(feed)})",
                "Bind it with --bind-input CANDIDATE=REFERENCE.",
            )
        return feed[name]

    def _cast(self, spec: TensorSpec, array: Array) -> Array:
        if spec.dtype == STRING or array.dtype.name == spec.dtype:
            return array
        with np.errstate(over="ignore", invalid="ignore"):
            cast = array.astype(spec.dtype)
        if not _same_kind(array.dtype, cast.dtype) or not _holds(array, cast):
            raise ParityGateError(
                "PG302", spec.name, f"the samples are {array.dtype} and don't fit into the candidate's {spec.dtype}"
            )
        self.rounded |= array.dtype.kind == "f" and not np.array_equal(cast.astype(array.dtype), array, equal_nan=True)
        if not np.can_cast(array.dtype, cast.dtype, "safe"):
            self._notes[f"input {spec.name}: samples narrowed from {array.dtype} to the candidate's {spec.dtype}"] = (
                None
            )
        return cast


def _same_kind(given: np.dtype[np.generic], wanted: np.dtype[np.generic]) -> bool:
    return bool(np.can_cast(given, wanted, "same_kind") or (given.kind in "iu" and wanted.kind in "iuf"))


def _holds(array: Array, cast: Array) -> bool:
    """Integers must be preserved exactly; floating values may be rounded, but not overflow."""
    if array.dtype.kind in "iub":
        return bool(np.array_equal(cast.astype(array.dtype), array))
    return bool(np.array_equal(np.isfinite(array), np.isfinite(cast)))
