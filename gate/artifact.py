"""A proved file as it waits to be exported: a folder with the file, or package, and the external data beside it."""

from __future__ import annotations

import shutil
from pathlib import Path


def take(candidate: Path, folder: Path) -> Path:
    """Move a candidate with its external data into a new ``folder``. Returns where it is now."""
    from ..convert.export import files_of

    folder.mkdir(parents=True)
    if candidate.is_dir():
        return Path(shutil.move(candidate, folder / candidate.name))
    for file in files_of(candidate):
        shutil.move(file, folder / file.name)
    return folder / candidate.name
