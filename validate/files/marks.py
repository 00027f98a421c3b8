"""Names that tell which process made a file or folder, so that the next run can remove what killed ones have left."""

from __future__ import annotations

import os
import re
import secrets
import sys
import time
import zlib
from pathlib import Path

PREFIX = "paritygate-"
_MARK = re.compile(rf"\.?{PREFIX}(?P<pid>\d+)-(?P<start>\d+)-(?P<machine>[0-9a-f]{{8}})-")
_LINUX = sys.platform == "linux"
_FOREIGN_AGE = 7 * 24 * 3600.0
"""Seconds after which a thing of another machine or container is abandoned: its process can't be asked for."""


def marked() -> str:
    """A new name that begins with :data:`PREFIX` and names this process: its number, its start, its machine."""
    pid = os.getpid()
    return f"{PREFIX}{pid}-{_start_of(pid)}-{_machine()}-{secrets.token_hex(4)}"


def abandoned(path: Path) -> bool:
    """Whether this user's process made ``path`` under a :func:`marked` name and has ended since.

    A process of another machine or container can't be asked for: what it made is abandoned after a week.
    """
    found = _MARK.match(path.name)
    if found is None:
        return False
    try:
        status = path.lstat()
    except OSError:
        return False  # another run has removed it
    if status.st_uid != os.geteuid():
        return False
    if found["machine"] != _machine():
        return time.time() - status.st_mtime > _FOREIGN_AGE
    return _start_of(int(found["pid"])) != int(found["start"])


def _start_of(pid: int) -> int | None:
    """When a process began, in a unit that the system doesn't change afterwards; None if there is no such process."""
    if _LINUX:
        try:
            fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            return None
        return None if fields[0] in (b"Z", b"X") else int(fields[19])
    import psutil

    try:
        return int(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return None


def _machine() -> str:
    """The machine, and the container in it: process numbers mean the same only where both agree."""
    try:
        space = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        space = 0  # a system without containers
    return f"{zlib.crc32(f'{os.uname().nodename} {space}'.encode()):08x}"
