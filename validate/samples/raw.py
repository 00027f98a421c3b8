"""What a reader of one format is asked for, and what it gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ParityGateError

if TYPE_CHECKING:
    from ..signature import Array, Signature, TensorSpec


@dataclass(frozen=True, slots=True)
class Request:
    """What the reader may know about the model; see :func:`.files.read_samples`."""

    signature: Signature | None
    ranges: Mapping[str, tuple[float, float]]
    features: tuple[str, ...]

    def inputs(self) -> tuple[TensorSpec, ...]:
        """The model's inputs, none if they aren't known."""
        return () if self.signature is None else self.signature.inputs


@dataclass(frozen=True, slots=True)
class Raw:
    """A file's arrays as they are: label -> (name -> array).

    ``whole`` says that each feed is one sample to be fed as it is; otherwise its rows are split into batches.
    """

    feeds: Mapping[str, Mapping[str, Array]]
    whole: bool = False
    notes: tuple[str, ...] = field(default=())


def positional(subject: str, arrays: list[Array], request: Request) -> dict[str, Array]:
    """Arrays without names, given the names of the model's inputs in their order. Raises ParityGateError PG204."""
    if request.signature is None:
        return {f"input_{position}": array for position, array in enumerate(arrays)}
    names = [spec.name for spec in request.inputs()]
    if len(arrays) != len(names):
        raise ParityGateError(
            "PG204",
            subject,
            f"it has {len(arrays)} arrays without names, the model has {len(names)} inputs",
            f"Store them by name in an .npz: {', '.join(names)}.",
        )
    return dict(zip(names, arrays, strict=True))


def unreadable(path: Path, cause: object, remedy: str = "") -> ParityGateError:
    """The PG203 of ``path``."""
    return ParityGateError("PG203", str(path), str(cause), remedy)


def needs(path: Path, package: str) -> ParityGateError:
    """The PG203 for a format whose package is not installed."""
    return unreadable(path, f"reading it needs {package}", "pip install 'paritygate[data]'")
