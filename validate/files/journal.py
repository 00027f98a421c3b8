"""A model and its external data are several files: what is to be done about the data if the run is killed between them.

Before the data is put in its place, a note beside OUTPUT says which files are new and which are the old model's. As
long as the new model is still staged, the new data belongs to nobody; once it has its place, the old data does. The run
itself acts on that note when it is through, and the next run on one that a killed run has left.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .replace import flush

NOTE = ".note"
_LARGEST = 1 << 20


@contextmanager
def data_noted(model: Path, new: Iterable[str], old: Iterable[str]) -> Iterator[None]:
    """Afterwards, however that comes about, one of both is removed; ``model`` is the staged model's name.

    ``new`` and ``old`` are names of files in its folder.
    """
    note = model.with_name(f"{model.name}{NOTE}")
    try:
        note.write_text(json.dumps({"new": sorted(new), "old": sorted(old)}))
        flush(note)
        yield
    finally:
        settle(note)


def settle(note: Path) -> None:
    """Do what a note says, and remove it; to be done before its staged model is removed."""
    still_staged = note.with_name(note.name.removesuffix(NOTE)).exists()
    for name in _names(note, "new" if still_staged else "old"):
        if not (note.parent / name).is_dir():
            (note.parent / name).unlink(missing_ok=True)
    note.unlink(missing_ok=True)


def _names(note: Path, key: str) -> list[str]:
    """Plain names of data files; a note that was cut short was written before anything else was done."""
    if note.is_symlink() or not note.is_file() or note.stat().st_size > _LARGEST:
        return []
    try:
        names = json.loads(note.read_text())[key]
    except (ValueError, LookupError, TypeError):
        return []
    return [name for name in names if _is_plain(name)] if isinstance(names, list) else []


def _is_plain(name: object) -> bool:
    return isinstance(name, str) and name != "" and name == Path(name).name and not name.startswith(".")
