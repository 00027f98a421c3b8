"""What a file is that no format claims."""

from __future__ import annotations

import re
from pathlib import Path

from .archives import archive
from .checkpoints import checkpoint
from .suffixes import SUFFIXES
from .what import Foreign

_HEAD = 512

_POINTER = Foreign(
    "it is a Git LFS pointer: the model itself was not downloaded", "Fetch it: git lfs pull, in the repository."
)
_PAGE = Foreign("it is a web page, not a model", "Download the file itself; most sites have a link named raw.")
_EMPTY = Foreign("the file is empty", "Download or save it again.")

_BEGINNINGS: tuple[tuple[re.Pattern[bytes], Foreign], ...] = (
    (re.compile(rb"version https://git-lfs"), _POINTER),
    (re.compile(rb"\s*(<!doctype html|<html)", re.IGNORECASE), _PAGE),
)
_MAGIC: tuple[tuple[int, bytes, Foreign], ...] = (
    (0, b"GGUF", SUFFIXES[".gguf"]),
    (4, b"ORTM", SUFFIXES[".ort"]),
    (4, b"ET12", SUFFIXES[".pte"]),
    (0, b"\x93NUMPY", SUFFIXES[".npy"]),
    (0, b"PAR1", SUFFIXES[".parquet"]),
    (0, b"ftrt", SUFFIXES[".engine"]),
)
"""(offset, bytes, what such a file is)."""


def not_a_model(path: Path) -> Foreign | None:
    """What stands in a model's place, whatever the suffix says; None for anything that may be a model."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        return _EMPTY
    return next((foreign for pattern, foreign in _BEGINNINGS if pattern.match(head)), None)


def foreign_file(path: Path) -> Foreign | None:
    """What a file is that has neither the suffix nor the first bytes of a known format; None if nothing says it."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    by_content = next((foreign for at, magic, foreign in _MAGIC if head[at:].startswith(magic)), None)
    return checkpoint(path) or SUFFIXES.get(path.suffix.lower()) or by_content or archive(path, head)
