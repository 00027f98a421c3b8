"""The cache: a folder with a folder per key, written whole or not at all. Entries are data; none is ever executed.

``v1/ab/abcd.../`` holds ``entry`` (a SHA-256, then a report in MessagePack, which keeps infinities and NaN), and
``artifact/`` with the proved file. An entry that doesn't match its hashes is removed and made again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ...validate.files.marks import PREFIX, abandoned, marked
from ...validate.files.replace import remove
from ...validate.report.environment import sha256_of
from ...validate.report.report import Report

VERSION = "v1"
VARIABLE = "PARITYGATE_CACHE"
_ENTRY, _ARTIFACT, _SECONDS = "entry", "artifact", "seconds"
_DIGEST_BYTES = hashlib.sha256().digest_size


class Stored(msgspec.Struct, frozen=True):
    """What is kept of an entry. ``artifact`` names the proved file, "" where nothing passed; ``digest`` is its hash."""

    report: Report
    artifact: str
    digest: str
    inputs: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Usage:
    """How much there is."""

    entries: int
    bytes: int


def cache_folder() -> Path:
    """PARITYGATE_CACHE, else ``paritygate`` in the user's folder for caches (XDG_CACHE_HOME, ~/.cache)."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named).absolute()
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home and Path(home).is_absolute() else Path.home() / ".cache") / "paritygate"


class Store:
    """The entries below one folder, which is made when the first is put."""

    def __init__(self, root: Path) -> None:
        self._root = root / VERSION

    def get(self, key: str) -> Stored | None:
        """An entry; None where there is none, or a damaged one, which is removed."""
        folder = self._folder(key)
        try:
            content = (folder / _ENTRY).read_bytes()
        except OSError:
            return None
        found = _checked(content)
        if found is None:
            remove(folder)
            return None
        with suppress(OSError):  # another user's cache, or one on a disk that is only read
            os.utime(folder)
        return found

    def has(self, key: str) -> bool:
        """Whether there is an entry, without a look into it."""
        return (self._folder(key) / _ENTRY).is_file()

    def take_artifact(self, key: str, stored: Stored, folder: Path) -> Path | None:
        """A copy of the proved file in the new ``folder``, checked; None where it is damaged, and the entry removed."""
        try:
            shutil.copytree(self._folder(key) / _ARTIFACT, folder)
            if sha256_of(folder) == stored.digest:
                return folder / stored.artifact
        except OSError:  # a file is missing or can't be read: damaged as well
            pass
        remove(folder)
        remove(self._folder(key))
        return None

    def put(self, key: str, report: Report, artifact: Path | None, inputs: tuple[Path, ...], seconds: float) -> None:
        """Keep an entry; the artifact, which is alone in its folder with its data, is copied. Raises OSError."""
        folder = self._folder(key)
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = self._root / marked()
        try:
            partial.mkdir(mode=0o700)
            digest = "" if artifact is None else _copied(artifact.parent, partial / _ARTIFACT)
            name = "" if artifact is None else artifact.name
            stored = Stored(report, name, digest, tuple(map(str, inputs)), seconds)
            payload = msgspec.msgpack.encode(stored)
            (partial / _ENTRY).write_bytes(hashlib.sha256(payload).digest() + payload)
            folder.parent.mkdir(exist_ok=True)
            with suppress(OSError):  # another run was first, with the same content
                partial.rename(folder)
        finally:
            remove(partial)

    def duration(self, name: str) -> float | None:
        """The seconds that an entry of this name took last, whatever it was then."""
        try:
            return float(self._duration(name).read_text())
        except (OSError, ValueError):
            return None

    def note_duration(self, name: str, seconds: float) -> None:
        """Remember how long an entry took. Raises OSError."""
        file = self._duration(name)
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = file.with_name(marked())
        partial.write_text(f"{seconds:.3f}")
        partial.replace(file)

    def usage(self) -> Usage:
        """How many entries there are and what they take."""
        folders = list(self._entries())
        return Usage(len(folders), sum(map(_size, folders)))

    def clear(self) -> Usage:
        """Remove all. Returns what there was."""
        usage = self.usage()
        remove(self._root)
        return usage

    def prune(self, days: float) -> Usage:
        """Remove what nothing has asked for in so many days, and what killed runs have left. Returns what went."""
        oldest = time.time() - days * 86400
        unused = [folder for folder in self._entries() if folder.stat().st_mtime < oldest]
        usage = Usage(len(unused), sum(map(_size, unused)))
        for folder in (*unused, *filter(abandoned, self._root.glob(f"{PREFIX}*"))):
            remove(folder)
        return usage

    def _entries(self) -> Iterator[Path]:
        return (file.parent for file in self._root.glob(f"??/*/{_ENTRY}"))

    def _folder(self, key: str) -> Path:
        return self._root / key[:2] / key

    def _duration(self, name: str) -> Path:
        return self._root / _SECONDS / hashlib.sha256(name.encode()).hexdigest()


def _checked(content: bytes) -> Stored | None:
    digest, payload = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    if hashlib.sha256(payload).digest() != digest:
        return None
    try:
        return msgspec.msgpack.decode(payload, type=Stored)
    except msgspec.DecodeError:  # ValidationError too: written by another form of the report
        return None


def _copied(source: Path, destination: Path) -> str:
    shutil.copytree(source, destination)
    return sha256_of(destination)


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
