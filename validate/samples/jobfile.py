"""The file that carries samples or outputs from one process to another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .types import Samples

if TYPE_CHECKING:
    from ..signature import Array


def save_samples(samples: Samples, path: Path) -> None:
    """Write ``samples`` to one uncompressed .npz; :func:`load_samples` gives back the same bits."""
    raise NotImplementedError


def load_samples(path: Path) -> Samples:
    """Read what :func:`save_samples` wrote. Raises ParityGateError PG203."""
    raise NotImplementedError


def save_outputs(outputs: Sequence[Mapping[str, Array]], path: Path) -> None:
    """Write one mapping (output name -> array) per sample to one uncompressed .npz."""
    raise NotImplementedError


def load_outputs(path: Path) -> list[dict[str, Array]]:
    """Read what :func:`save_outputs` wrote. Raises ParityGateError PG203."""
    raise NotImplementedError
