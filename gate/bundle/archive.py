"""The zip file: written the same to the byte each time, and read as what a stranger made.

Members are stored, not deflated: weights hardly shrink, compressors of other versions give other bytes, and a member
can't unpack to more than the archive holds.
"""

from __future__ import annotations

import os
import stat
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from shutil import copyfileobj

from ...validate.errors import ParityGateError
from ...validate.files.output import check_space, explaining
from ...validate.paths import inside

_MOST_MEMBERS = 100_000
_OLDEST, _NEWEST = 315_532_800, 4_354_819_198  # seconds: 1980-01-01 and 2107-12-31, what a zip file can say
_MODE = (stat.S_IFREG | 0o644) << 16
_ENCRYPTED = 0x1
_UNIX = 3


def write_archive(folder: Path, file: Path) -> None:
    """Write the files of ``folder`` to the zip ``file``, by name; all have the time of SOURCE_DATE_EPOCH, or 1980."""
    moment = time.gmtime(_epoch())[:6]
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name in names_in(folder):
            member = zipfile.ZipInfo(name, moment)
            member.create_system, member.external_attr = _UNIX, _MODE
            with (folder / name).open("rb") as source, archive.open(member, "w", force_zip64=True) as destination:
                copyfileobj(source, destination, 1 << 20)


def names_in(folder: Path) -> list[str]:
    """The files below ``folder``, relative to it, in the order in which they are written."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def read_archive(file: Path, folder: Path) -> None:
    """Unpack a bundle into the new ``folder``.

    Raises ParityGateError PG202 for a file that isn't there, PG440 for one that is damaged or not a zip file, PG541 for
    one with members that no bundle has. Nothing is written in the last case.
    """
    try:
        size = file.stat().st_size
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            _check(file, members, size, folder)
            check_space(folder, 4 * size)
            for member in members:
                _unpack(archive, member, folder)
    except FileNotFoundError as error:
        raise ParityGateError("PG202", str(file), "there is no such file") from error
    except (zipfile.BadZipFile, EOFError, NotImplementedError, UnicodeDecodeError, ValueError) as error:
        raise ParityGateError("PG440", str(file), f"not a whole zip file: {error}", "Fetch it again.") from error


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    place = inside(folder, member.filename)
    with explaining(str(folder)), archive.open(member) as source:
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("xb") as destination:
            copyfileobj(source, destination, 1 << 20)


def _check(file: Path, members: list[zipfile.ZipInfo], size: int, folder: Path) -> None:
    """Raises PG541."""
    for cause in _faults(members, size, folder):
        raise ParityGateError("PG541", str(file), cause, "Don't use it; ask its sender for a bundle of paritygate.")


def _faults(members: list[zipfile.ZipInfo], size: int, folder: Path) -> Iterator[str]:
    if len(members) > _MOST_MEMBERS:
        yield f"it has {len(members):,} members, of at most {_MOST_MEMBERS:,}"
    if sum(member.file_size for member in members) > size:
        yield "its members would unpack to more than the file holds"
    seen: set[str] = set()
    for member in members:
        yield from _member_faults(member, folder)
        if (name := member.filename.casefold()) in seen:
            yield f"two of its members are named {member.filename!r}"
        seen.add(name)
    parents = {parent for name in seen for parent in _parents(name)}
    for name in sorted(parents & seen):
        yield f"its member {name!r} is both a file and a folder"


def _parents(name: str) -> Iterator[str]:
    parts = name.split("/")
    return ("/".join(parts[:count]) for count in range(1, len(parts)))


def _member_faults(member: zipfile.ZipInfo, folder: Path) -> Iterator[str]:
    name, kind = member.filename, stat.S_IFMT(member.external_attr >> 16)
    if name != member.orig_filename or not name.isprintable() or any(p in ("", ".", "..") for p in name.split("/")):
        yield f"its member {member.orig_filename!r} has a name that is not plain"
        return
    try:
        inside(folder, name)
    except ParityGateError:
        yield f"its member {name!r} leads out of its folder"
    if kind not in (0, stat.S_IFREG):
        yield f"its member {name!r} is a link, a folder or a device"
    if member.compress_type != zipfile.ZIP_STORED or member.compress_size != member.file_size:
        yield f"its member {name!r} is compressed, which a bundle's are not"
    if member.flag_bits & _ENCRYPTED:
        yield f"its member {name!r} is encrypted"


def _epoch() -> int:
    """Raises PG201 for a SOURCE_DATE_EPOCH (reproducible-builds.org) that isn't a number of seconds."""
    text = os.environ.get("SOURCE_DATE_EPOCH", "0")
    if not text.isascii() or not text.isdigit():
        raise ParityGateError("PG201", f"SOURCE_DATE_EPOCH={text}", "it must be seconds since 1970, e.g. 1767225600")
    return min(max(int(text), _OLDEST), _NEWEST)
