"""What killed runs have left beside OUTPUT, which every run removes that writes there."""

from __future__ import annotations

import os
from pathlib import Path

from .journal import NOTE, settle
from .marks import PREFIX, abandoned
from .replace import OLD, remove


def clear_abandoned(folder: Path) -> None:
    """Remove what killed runs have left in ``folder``; an old OUTPUT that stepped aside comes back if it is missing."""
    left = [path for path in folder.glob(f".{PREFIX}*") if abandoned(path)]
    for note in left:
        if note.name.endswith(NOTE):
            settle(note)
    for path in left:
        _, aside, name = path.name.partition(f"{OLD}.")
        if aside and not os.path.lexists(folder / name):
            path.rename(folder / name)
        else:
            remove(path)
