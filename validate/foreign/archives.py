"""Packed models: which one is inside, and how to unpack it. Only the list of members is read."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from .what import Foreign

_MOST = 2000
"""Members that are looked at."""

_MOST_BYTES = 2**30
"""Bytes of a .tar that are looked at, unpacked: it has no list at its end, and a small one may unpack to any size."""

_Unpack = Callable[[Path], Any]
"""Opens a packed file; the three classes have no common type."""

_PACKED: tuple[tuple[bytes, _Unpack], ...] = (
    (b"\x1f\x8b", gzip.GzipFile),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ", lzma.LZMAFile),
)
"""First bytes -> what unpacks it."""

_MODELS = (".onnx", ".keras", ".h5", ".tflite", ".mlmodel", ".pt2", ".pt", ".pth", ".pkl", ".joblib", ".pb", ".cbm")
_SHOWN = 3


def archive(path: Path, head: bytes) -> Foreign | None:
    """What a .zip or .tar holds, packed or not; None for anything else."""
    if head.startswith(b"PK"):
        return _described(_zip_members(path), f"unzip {path} -d unpacked")
    unpack = next((unpack for magic, unpack in _PACKED if head.startswith(magic)), None)
    if unpack or head[257:262] == b"ustar":
        return _described(_tar_members(path, unpack or _as_it_is), f"mkdir unpacked && tar xf {path} -C unpacked")
    if head.startswith((b"7z\xbc\xaf", b"Rar!")):
        return Foreign("it is a packed archive", "Unpack it, and give the model in it.")
    return None


def _zip_members(path: Path) -> list[str] | None:
    try:
        with zipfile.ZipFile(path) as opened:
            return opened.namelist()[:_MOST]
    except (zipfile.BadZipFile, OSError, ValueError):
        return None


def _as_it_is(path: Path) -> IO[bytes]:
    return path.open("rb")


def _tar_members(path: Path, unpack: _Unpack) -> list[str] | None:
    """The names, from the stream, as far as it goes: nothing is unpacked to the disk."""
    names: list[str] = []
    try:
        with unpack(path) as file, tarfile.open(mode="r|", fileobj=cast("IO[bytes]", _Limited(file))) as opened:
            names += (member.name for member in islice(opened, _MOST))
    except (tarfile.TarError, OSError, EOFError, ValueError, zlib.error, lzma.LZMAError):
        return names or None
    return names


class _Limited:
    """A stream that ends early."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._left = _MOST_BYTES

    def read(self, size: int, /) -> bytes:
        """As a file's."""
        read = self._file.read(min(size, self._left))
        self._left -= len(read)
        return read

    def close(self) -> None:
        """As a file's; whoever opened it closes it."""


def _described(members: list[str] | None, command: str) -> Foreign | None:
    if members is None:
        return Foreign("it is a damaged archive", "Download or save it again.")
    models = list(dict.fromkeys(_models(members)))
    if not models:
        listed = ", ".join(members[:_SHOWN]) or "nothing"
        return Foreign(
            f"it is an archive without a model that paritygate reads; it holds {listed}", "Give a model file."
        )
    shown = ", ".join(models[:_SHOWN])
    return Foreign(f"it is an archive that holds {shown}", f"Unpack it: {command}; then give unpacked/{models[0]}")


def _models(members: Iterable[str]) -> Iterator[str]:
    """The models among the members; a folder's name for what is a folder."""
    names = [PurePosixPath(name) for name in members]
    for name in names:
        if name.name == "saved_model.pb":
            yield str(name.parent)
        package = next((parent for parent in name.parents if parent.suffix == ".mlpackage"), None)
        if package is not None:
            yield str(package)
    loose = [name for name in names if not any(parent.suffix == ".mlpackage" for parent in name.parents)]
    yield from (str(name) for name in loose if name.suffix.lower() in _MODELS and name.name != "saved_model.pb")
