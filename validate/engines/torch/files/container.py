"""The zip files that PyTorch writes, read so strictly that every zip reader sees the same members in them.

PyTorch decides by the first four bytes whether a file is a zip; Python's ``zipfile`` looks at the end, and takes
anything in front. PyTorch's reader ignores case. A file in which two readers see different things is refused.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NoReturn

from ....errors import ParityGateError

ZIP_MAGIC = b"PK\x03\x04"
_LEGACY = re.compile(rb"\x80[\x02-\x05](\x95.{8})?\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19\.", re.DOTALL)

_CENTRAL, _END, _END64, _LOCATOR = b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_STORED, _DEFLATED = 0, 8
_DESCRIBED, _ENCRYPTED = 0x8, 0x1
_LONGEST_NAME = 500
_DESCRIPTORS = (12, 16, 20, 24)
_MOST_INFLATED = 1 << 28
_SEARCHED = 1 << 26
_RECORDS64 = 76
_ODD = re.compile(r"[\x00-\x1f\x7f\\:]")
_AGAIN = "Save it again with torch.save."


def refused(path: Path, cause: str) -> ParityGateError:
    """The error (PG501) for a PyTorch file that is put together in a way in which PyTorch never writes it."""
    return ParityGateError(
        "PG501", str(path), cause,
        "Pass --trust if you trust the file's author; otherwise save the program with torch.export.save, or its "
        "state dict for use with module:factory and --weights.",
    )  # fmt: skip


def damaged(path: Path, cause: str) -> ParityGateError:
    """The error (PG402) for a PyTorch file that is incomplete."""
    return ParityGateError("PG402", str(path), f"the file is damaged: {cause}", _AGAIN)


def is_legacy(head: bytes) -> bool:
    """Whether the first bytes are the pickled number of files that ``torch.save`` wrote before PyTorch 1.6."""
    return _LEGACY.match(head) is not None


@dataclass(frozen=True, slots=True)
class Member:
    """Where a member's bytes are; ``size`` is that of its content."""

    name: str
    start: int
    stored: int
    size: int
    method: int
    checksum: int


class Container:
    """The members of a zip file by name, in the order of the file."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        self.file = file
        try:
            self.members = self._members()
        except (struct.error, ValueError, IndexError, OSError, OverflowError, MemoryError) as error:
            raise damaged(path, f"the zip's directory is broken ({error})") from error

    def read(self, name: str) -> bytes:
        """A member's content. Raises ParityGateError PG402 if it isn't what was written."""
        member = self.members[name]
        self.file.seek(member.start)
        content = self.file.read(member.stored)
        if member.method == _DEFLATED:
            content = self._inflated(content, member)
        if len(content) != member.size or zlib.crc32(content) != member.checksum:
            raise damaged(self.path, f"the checksum of {name} is wrong")
        return content

    def _inflated(self, content: bytes, member: Member) -> bytes:
        try:
            return zlib.decompressobj(-15).decompress(content, member.size + 1)
        except zlib.error as error:
            raise damaged(self.path, f"{member.name}: {error}") from error

    def first_bytes(self, name: str, count: int) -> bytes:
        """The start of a member's content."""
        return self.read(name)[:count] if self.members[name].method == _DEFLATED else self._stored(name, count)

    def _stored(self, name: str, count: int) -> bytes:
        self.file.seek(self.members[name].start)
        return self.file.read(min(count, self.members[name].size))

    def root(self) -> str:
        """The folder that all members are in, which PyTorch leaves out of their names; empty without one."""
        roots = {name.partition("/")[0] if "/" in name else "" for name in self.members}
        return roots.pop() if len(roots) == 1 else ""

    def inner(self) -> dict[str, str]:
        """Member names without the root -> member names."""
        root = self.root()
        return {name[len(root) + 1 :] if root else name: name for name in self.members}

    def _refuse(self, cause: str) -> NoReturn:
        raise refused(self.path, cause)

    def _members(self) -> Mapping[str, Member]:
        start, size, count, end = self._directory()
        self.file.seek(start)
        directory = self.file.read(size)
        entries = list(self._entries(directory))
        if start + size != end or len(entries) != count:
            raise damaged(self.path, "the zip's directory doesn't end where its end record says")
        self._check_layout(entries, start)
        members = {member.name: member for member, _, _ in entries}
        self._check_names([member.name for member, _, _ in entries])
        if sum(member.size for member in members.values() if member.method == _DEFLATED) > max(
            _MOST_INFLATED, 20 * end
        ):
            raise damaged(self.path, "its members unpack to many times its size")
        return members

    def _directory(self) -> tuple[int, int, int, int]:
        """Start and size of the directory, number of entries, and where the directory has to end."""
        length = self.file.seek(0, 2)
        self.file.seek(max(0, length - 22))
        tail = self.file.read(22)
        if len(tail) < 22 or tail[:4] != _END:
            self._no_end()
        disk, _, here, count, size, start, comment = struct.unpack("<HHHHIIH", tail[4:])
        if disk or here != count or comment:
            self._refuse("the zip has a comment or several parts")
        end = length - 22
        self.file.seek(max(0, end - 20))
        locator = self.file.read(20)
        if locator[:4] == _LOCATOR:
            return self._directory64(locator, end - 20)
        return start, size, count, end

    def _no_end(self) -> NoReturn:
        """Tell a zip with something behind it from one that is cut off."""
        self.file.seek(max(0, self.file.seek(0, 2) - _SEARCHED))
        offset, rest = self.file.tell(), self.file.read()
        place = rest.find(_END)
        while place >= 0:
            size, start = struct.unpack("<II", rest[place + 12 : place + 20].ljust(8, b"\xff"))
            if offset + place - start - size in (0, _RECORDS64):
                self._refuse("there is more data behind the zip")
            place = rest.find(_END, place + 1)
        raise damaged(self.path, "the end of the zip is missing")

    def _directory64(self, locator: bytes, before: int) -> tuple[int, int, int, int]:
        (place,) = struct.unpack("<Q", locator[8:16])
        self.file.seek(place)
        record = self.file.read(56)
        if record[:4] != _END64 or place + 12 + struct.unpack("<Q", record[4:12])[0] != before:
            raise damaged(self.path, "the zip's end records contradict each other")
        here, count, size, start = struct.unpack("<QQQQ", record[24:56])
        if here != count:
            self._refuse("the zip has several parts")
        return start, size, count, place

    def _entries(self, directory: bytes) -> Iterator[tuple[Member, int, int]]:
        """Each entry as a member, with the offset of its local header and the end of its data."""
        place = 0
        while place < len(directory):
            if directory[place : place + 4] != _CENTRAL:
                raise damaged(self.path, "the zip's directory is broken")
            fields = struct.unpack("<HHHHHHIIIHHHHHII", directory[place + 4 : place + 46])
            flags, method, checksum, stored, size = fields[2], fields[3], fields[6], fields[7], fields[8]
            name_length, extra_length, comment_length, header = fields[9], fields[10], fields[11], fields[15]
            place += 46
            raw = directory[place : place + name_length]
            extra = directory[place + name_length : place + name_length + extra_length]
            place += name_length + extra_length + comment_length
            size, stored, header = _wide(extra, size, stored, header)
            if flags & _ENCRYPTED or method not in (_STORED, _DEFLATED) or (method == _STORED and size != stored):
                raise damaged(self.path, f"the member {raw!r} is stored in an unknown way")
            start, described = self._local(header, raw, method)
            member = Member(raw.decode("utf-8"), start, stored, size, method, checksum)
            yield member, header, start + stored if not described else -(start + stored)

    def _local(self, header: int, raw: bytes, method: int) -> tuple[int, bool]:
        """Where the data of a member starts, by its own header, which must tell the same as the directory."""
        self.file.seek(header)
        local = self.file.read(30)
        if local[:4] != ZIP_MAGIC:
            raise damaged(self.path, f"the header of {raw!r} is missing")
        _, flags, own_method, _, _, _, _, _, name_length, extra_length = struct.unpack("<HHHHHIIIHH", local[4:30])
        if self.file.read(name_length) != raw or own_method != method:
            raise damaged(self.path, f"the member {raw!r} has another name or another method in its own header")
        return header + 30 + name_length + extra_length, bool(flags & _DESCRIBED)

    def _check_layout(self, entries: list[tuple[Member, int, int]], directory: int) -> None:
        """Members follow one another from the first byte to the directory, with nothing between them."""
        place, described = 0, False
        for _, header, end in [*sorted(entries, key=lambda entry: entry[1]), (None, directory, 0)]:
            gap = header - place
            if gap and not (described and gap in _DESCRIPTORS):
                self._refuse("the zip holds data that belongs to no member")
            place, described = abs(end), end < 0

    def _check_names(self, names: list[str]) -> None:
        seen: set[str] = set()
        for name in names:
            if name.casefold() in seen:
                self._refuse(f"it holds two members called {name!r}, in upper or lower case")
            seen.add(name.casefold())
            parts = name.removesuffix("/").split("/")
            if _ODD.search(name) or len(name) > _LONGEST_NAME or not {"", ".", ".."}.isdisjoint(parts):
                self._refuse(f"a member is called {name!r}")


def _wide(extra: bytes, size: int, stored: int, header: int) -> tuple[int, int, int]:
    """Sizes and offset from the zip64 field, in the place of those that don't fit into 32 bits."""
    place = 0
    while place + 4 <= len(extra):
        kind, length = struct.unpack("<HH", extra[place : place + 4])
        values = extra[place + 4 : place + 4 + length]
        place += 4 + length
        if kind == 1:
            wide = [struct.unpack("<Q", values[at : at + 8])[0] for at in range(0, len(values) - 7, 8)]
            given = iter(wide)
            size, stored, header = (
                next(given, value) if value == 0xFFFFFFFF else value for value in (size, stored, header)
            )
    return size, stored, header
