"""Paths that a model file names: they have to stay in the file's own folder, and lead to regular files."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath, PureWindowsPath

from .errors import ParityGateError

_LONGEST = 255  # bytes of a name, on every usual file system
_REMEDY = "Put the file into the model's folder as a copy, not a link, and save the model with its plain name."


def inside(folder: Path, relative: str) -> Path:
    """``folder/relative``. Raises ParityGateError PG502 where that leaves the folder.

    That is: an absolute path, ``..``, a link to somewhere else, or a name that no file system can hold.
    """
    parts = PurePosixPath(relative).parts
    foreign = PurePosixPath(relative).is_absolute() or PureWindowsPath(relative).drive or "\\" in relative
    if foreign or ".." in parts or "\0" in relative or not parts or any(map(_too_long, parts)):
        raise _outside(folder, relative)
    target = folder.joinpath(*parts)
    try:
        resolved = target.resolve()
    except (OSError, RuntimeError) as error:  # a loop of links
        raise _outside(folder, relative) from error
    if not resolved.is_relative_to(folder.resolve()):
        raise _outside(folder, relative)
    return target


def regular_file(folder: Path, relative: str) -> Path:
    """:func:`inside`, and it has to be a regular file: reading a FIFO or a device may never end.

    Raises ParityGateError PG402 where it is missing or something else.
    """
    target = inside(folder, relative)
    if not target.is_file():
        cause = f"its file {relative} is missing" if not target.exists() else f"its file {relative} is not regular"
        raise ParityGateError("PG402", str(folder), cause, "Copy the whole model, with all of its files.")
    return target


def _too_long(name: str) -> bool:
    return len(os.fsencode(name)) > _LONGEST


def _outside(folder: Path, relative: str) -> ParityGateError:
    shown = repr(relative if len(relative) <= 80 else f"{relative[:77]}...")
    return ParityGateError("PG502", str(folder), f"it refers to {shown}, outside of its own folder", _REMEDY)
