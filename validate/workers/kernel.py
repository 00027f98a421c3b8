"""What the kernel can do so that a worker ends with its parent and writes nowhere else: Linux, where there is a call.

Everywhere else, and on older kernels, the functions do nothing: then the supervisor ends a worker when its own parent
has ended (:mod:`.supervisor`), and nothing confines where a worker writes.
"""

from __future__ import annotations

import ctypes
import os
import resource
import struct
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

_SET_DEATH_SIGNAL, _SET_NO_NEW_PRIVILEGES, _SET_SUBREAPER = 1, 38, 36
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on all architectures
_ASK_VERSION, _PATH_BENEATH = 1, 1

_OLDEST = 2
"""The oldest version of Landlock that is used: version 1 lets nobody rename from one folder to another (Linux 5.19)."""

_WRITE_FILE, _TRUNCATE = 1 << 1, 1 << 14
_CHANGE_FOLDER = sum(1 << bit for bit in range(4, 14))
"""Remove and make files, folders, links, pipes, sockets, devices; move from folder to folder."""

_BIND_AND_CONNECT = 0b11
_SIGNALS_AND_ABSTRACT_SOCKETS = 0b11

_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty")
_SHARED_MEMORY = ("/dev/shm",)
_GPUS = ("nvidia*", "kfd", "dri/*")


def end_with_parent(number: int) -> None:
    """Let the kernel send signal ``number`` to this process when the thread that started it ends."""
    _prctl(_SET_DEATH_SIGNAL, number)


def become_subreaper() -> None:
    """Become the parent of descendants whose own parent ends."""
    _prctl(_SET_SUBREAPER, 1)


def limit_resources() -> None:
    """No core dumps, which hold the user's data; the first process to end when the system runs out of memory."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    with suppress(OSError):  # another system, or one that doesn't let us
        Path("/proc/self/oom_score_adj").write_text("1000")


def confine(writable: Sequence[Path]) -> bool:
    """Let this process and its children write to these folders only, and open no TCP connection.

    Returns whether the kernel does it (Landlock). To be called while there is one thread: the rules are a thread's, and
    new ones inherit them. Reading isn't restricted.
    """
    if sys.platform != "linux":
        return False
    library = ctypes.CDLL(None, use_errno=True)
    version = library.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _ASK_VERSION)
    if version < _OLDEST:
        return False
    rules = _new_rules(library, version)
    try:
        folder_rights = _rights(version)
        file_rights = folder_rights & (_WRITE_FILE | _TRUNCATE)
        for path in (*writable, *map(Path, _SHARED_MEMORY), Path("/proc/self")):
            _allow(library, rules, path, folder_rights)
        for path in (*map(Path, _DEVICES), *_gpus()):
            _allow(library, rules, path, file_rights)
        _prctl(_SET_NO_NEW_PRIVILEGES, 1)
        return rules >= 0 and library.syscall(_RESTRICT_SELF, rules, 0) == 0
    finally:
        if rules >= 0:
            os.close(rules)


def _rights(version: int) -> int:
    """All rights to write that this version of Landlock knows."""
    return _WRITE_FILE | _CHANGE_FOLDER | (_TRUNCATE if version >= 3 else 0)


def _new_rules(library: ctypes.CDLL, version: int) -> int:
    """A ruleset that forbids what :func:`_rights` names, TCP, and signals to others: what the kernel knows of it."""
    network = _BIND_AND_CONNECT if version >= 4 else 0
    scopes = _SIGNALS_AND_ABSTRACT_SOCKETS if version >= 6 else 0
    size = 8 if version < 4 else 16 if version < 6 else 24
    attributes = struct.pack("=QQQ", _rights(version), network, scopes)[:size]
    return int(library.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(size), 0))


def _allow(library: ctypes.CDLL, rules: int, path: Path, rights: int) -> None:
    try:
        number = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # a device or folder that this system lacks
    try:
        library.syscall(_ADD_RULE, rules, _PATH_BENEATH, struct.pack("=Qi", rights, number), 0)
    finally:
        os.close(number)


def _gpus() -> Iterable[Path]:
    return [path for pattern in _GPUS for path in Path("/dev").glob(pattern)]


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, ctypes.c_ulong(value), 0, 0, 0)
