"""Bounds for what a samples file may unpack to, checked before anything is unpacked."""

from __future__ import annotations

import zipfile
from pathlib import Path

from .base import unreadable

_SHARE = 4
"""Samples may take one part in this many of the machine's memory; the models and their outputs need the rest."""

MOST_PIXELS = 100_000_000
"""Pixels of one image: more than any camera of a phone gives."""


def check_bytes(path: Path, size: int) -> None:
    """Refuse ``size`` bytes of arrays if they don't fit into memory. Raises ParityGateError PG203."""
    import psutil

    most = psutil.virtual_memory().total // _SHARE
    if size > most:
        cause = f"it would unpack to {size:,} bytes; at most {most:,} are read, a quarter of this machine's memory"
        raise unreadable(path, cause, "Provide fewer samples.")


def check_archive(path: Path) -> None:
    """Refuse a zip archive whose members together don't fit into memory, by the sizes that they declare.

    No more than the declared size of a member is ever unpacked. What isn't a zip archive is left to its reader.
    Raises ParityGateError PG203.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return
    check_bytes(path, size)
