"""What a route is: one way from a loaded source model to a target file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ...validate.engines.base import Model


@dataclass(frozen=True, slots=True)
class ConvertOptions:
    """What a user may ask of a conversion. ``opset`` None means: the newest that ONNX Runtime supports officially."""

    opset: int | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A converted model, not yet proved.

    ``path`` is the main file; whatever else belongs to it (external data) lies beside it in the same folder.
    ``inputs`` and ``outputs`` bind *candidate* names to *source* names; nothing is ever paired by position or
    likeness. ``notes`` are sentences for the user (a dtype that the conversion narrows, an opset raised).
    """

    path: Path
    route: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    notes: tuple[str, ...] = field(default=())


class Route(Protocol):
    """A route module's one function."""

    def __call__(self, model: Model, destination: Path, options: ConvertOptions) -> Candidate:
        """Convert ``model`` to the file ``destination``. Raises ParityGateError PG404, PG405 or PG408."""
