"""Files and folders appear under their name whole or not at all, and stay there through a power failure."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .marks import marked

_AT_FDCWD = -100
_EXCHANGE = 2
"""The flag of Linux' renameat2 and of macOS' renamex_np: both names exist and change places."""

_NO_EXCHANGE = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}
OLD, _PARTIAL = ".old", ".partial"


@contextmanager
def staged(output: Path) -> Iterator[Path]:
    """A name in the folder of ``output`` for its successor, removed afterwards if it is still there.

    It is hidden and short whatever the output's is, and tells its process: see :mod:`.leftovers`.
    """
    partial = output.parent / f".{marked()}{_PARTIAL}"
    try:
        yield partial
    finally:
        remove(partial)


def replace(partial: Path, output: Path) -> None:
    """Put a file or folder in the place of ``output`` in one step; both lie in one folder. The old one is removed.

    A folder that isn't empty can only be replaced by exchanging both names. Where the system has no such call, the
    old one steps aside first: a process killed between the two renames leaves OUTPUT missing until the next run, which
    puts the old one back (:mod:`.leftovers`). Raises OSError.
    """
    flush(partial)
    if not (partial.is_dir() or output.is_dir()) or not os.path.lexists(output):
        partial.rename(output)
    elif not exchange(partial, output):
        _step_aside(partial, output)
    flush_folder(output.parent)


def write_text(output: Path, text: str) -> None:
    """Put ``text`` and a line break into ``output``, whole or not at all. Raises OSError.

    What UTF-8 can't hold becomes an escape, which in JSON means the same.
    """
    with staged(output) as partial:
        partial.write_bytes(f"{text}\n".encode("utf-8", "backslashreplace"))
        replace(partial, output)


def _step_aside(partial: Path, output: Path) -> None:
    old = partial.with_name(f"{partial.name.removesuffix(_PARTIAL)}{OLD}.{output.name}")
    output.rename(old)
    try:
        partial.rename(output)
    except BaseException:
        old.rename(output)
        raise
    remove(old)


def exchange(one: Path, other: Path) -> bool:
    """Let two names of one file system change places in one step; False where the system can't. Raises OSError."""
    library = ctypes.CDLL(None, use_errno=True)
    first, second = os.fsencode(one), os.fsencode(other)
    if sys.platform == "linux" and hasattr(library, "renameat2"):
        failed = library.renameat2(_AT_FDCWD, first, _AT_FDCWD, second, _EXCHANGE)
    elif sys.platform == "darwin" and hasattr(library, "renamex_np"):
        failed = library.renamex_np(first, second, _EXCHANGE)
    else:
        return False
    number = ctypes.get_errno()
    if failed and number not in _NO_EXCHANGE:
        raise OSError(number, os.strerror(number), str(other))
    return not failed


def flush(path: Path) -> None:
    """Write a file, or a folder and all in it, to the disk, readable for whoever the umask lets read."""
    if path.is_dir():
        for inner in path.iterdir():
            flush(inner)
        flush_folder(path)
        return
    with path.open("rb") as file:
        os.fchmod(file.fileno(), 0o666 & ~_umask())  # onnx writes external data for its owner's eyes only
        os.fsync(file.fileno())


def flush_folder(path: Path) -> None:
    """Write a folder's names to the disk, on systems that can."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    except OSError as error:
        if error.errno not in _NO_EXCHANGE:  # some network file systems flush no folders
            raise
    finally:
        os.close(number)


def move_or_copy(source: str, destination: str) -> str:
    """Move where both share a file system, as a job folder and OUTPUT often do; copy otherwise.

    A file must not get a second name: a model whose external data has two is refused (PG502).
    """
    try:
        Path(source).rename(destination)
    except OSError:
        shutil.copyfile(source, destination)
    return destination


def remove(path: Path) -> None:
    """Remove a file or folder if it is there; links are removed, never followed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _umask() -> int:
    """The process' file mode mask, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
