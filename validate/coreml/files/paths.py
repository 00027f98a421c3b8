"""Paths in a model file."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from ...errors import ParityGateError


def inside(folder: Path, relative: str) -> Path:
    """``folder/relative``. Raises PG502 when it is outside of the folder (``..``, absolute, or through a link)."""
    target = folder / PurePosixPath(relative)
    if "\0" in relative or not target.resolve().is_relative_to(folder.resolve()):
        raise ParityGateError("PG502", str(folder), f"{relative!r} is outside of the model's folder")
    return target
