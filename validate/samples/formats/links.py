"""Files of a folder of samples: it may come from a stranger, and its links may lead to any file of the user's."""

from __future__ import annotations

from pathlib import Path

from ...errors import ParityGateError
from .base import unreadable


def own_file(file: Path, folder: Path) -> Path:
    """``file``, if it is a regular file of ``folder``, also through links.

    Raises ParityGateError PG502 for a link that leaves the folder, PG203 for a FIFO or a device.
    """
    if not file.resolve().is_relative_to(folder.resolve()):
        raise ParityGateError(
            "PG502", str(file), "it is a link out of the folder of samples", "Put copies into the folder (cp -rL)."
        )
    if not file.is_file():
        raise unreadable(file, "it is not a regular file")
    return file
