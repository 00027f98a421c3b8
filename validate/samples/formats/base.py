"""What a reader of one format is given, and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import ParityGateError

if TYPE_CHECKING:
    from ...signature import Array, Signature, TensorSpec


@dataclass(frozen=True, slots=True)
class ReadContext:
    """What a reader may know about the model; see :func:`..files.read_samples`."""

    signature: Signature | None
    ranges: Mapping[str, tuple[float, float]]
    features: tuple[str, ...]

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """The model's inputs; none if they aren't known."""
        return () if self.signature is None else self.signature.inputs


@dataclass(frozen=True, slots=True)
class RawSamples:
    """A file's arrays as they are: label -> (name -> array).

    ``whole`` says that each feed is one sample, which is not split into batches.
    """

    feeds: Mapping[str, Mapping[str, Array]]
    whole: bool = False
    notes: tuple[str, ...] = ()


Reader = Callable[[Path, ReadContext], RawSamples]


def name_by_position(subject: str, arrays: list[Array], context: ReadContext) -> dict[str, Array]:
    """Arrays without names, by the names of the model's inputs in their order. Raises ParityGateError PG204."""
    if context.signature is None:
        return {f"input_{position}": array for position, array in enumerate(arrays)}
    names = [spec.name for spec in context.inputs]
    if len(arrays) != len(names):
        raise ParityGateError(
            "PG204",
            subject,
            f"it has {len(arrays)} arrays without names, the model has {len(names)} inputs",
            f"Store them by name in an .npz: {', '.join(names)}.",
        )
    return dict(zip(names, arrays, strict=True))


def unreadable(path: Path, cause: object, remedy: str = "") -> ParityGateError:
    """The error PG203 for ``path``."""
    return ParityGateError("PG203", str(path), str(cause), remedy)


def package_missing(path: Path, package: str) -> ParityGateError:
    """The error PG203 for a format whose package isn't installed."""
    return unreadable(path, f"reading it needs {package}", "pip install 'paritygate[data]'")
