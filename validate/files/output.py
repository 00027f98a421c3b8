"""Whether OUTPUT could be written at the end, asked before any work is done; and what a system's refusal means."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import ParityGateError

_NAME_RESERVE = 24
"""By how many bytes a temporary name may be longer than OUTPUT's: its suffix, its external data."""

_LEAST_FREE = 1 << 20
_KINDS = (
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)

_PARTS = frozenset(
    (
        *("saved_model.pb", "saved_model.pbtxt", "fingerprint.pb", "keras_metadata.pb"),
        *("variables", "assets", "assets.extra", "Manifest.json", "Data"),
    )
)
"""What a SavedModel folder and a Core ML package consist of; anything else in such a folder isn't the model."""

_CAUSES = {
    errno.ENOSPC: ("no space is left on its disk", "Free some space, or name another place."),
    errno.EDQUOT: ("the user's quota of that disk is used up", "Free some space, or name another place."),
    errno.EFBIG: ("the file would be larger than this process may write", "Raise the limit (ulimit -f)."),
    errno.EROFS: ("its disk can only be read", "Name another place."),
    errno.EACCES: ("this user may not write there", "Name another place, or change its permissions."),
    errno.EPERM: ("this user may not write there", "Name another place, or change its permissions."),
    errno.ENAMETOOLONG: ("the name is too long", "Use a shorter name."),
    errno.EIO: ("the disk reports an error", "Look at the system's log."),
    errno.EPIPE: ("whoever reads the output has closed it", ""),
    errno.EMFILE: ("this process has too many open files", "Raise the limit (ulimit -n)."),
}
"""What the system may say about writing, in words, and what to do about it."""


def explained(error: OSError, subject: str = "what was being written") -> ParityGateError | None:
    """A refusal of the system as PG205, for ``subject`` where the error names no file.

    None for an error that points to a bug rather than to the disk.
    """
    if error.errno not in _CAUSES:
        return None
    cause, remedy = _CAUSES[error.errno]
    return ParityGateError("PG205", str(error.filename or subject), cause, remedy)


@contextmanager
def explaining(subject: str) -> Iterator[None]:
    """Raise a refusal of the system as PG205 for ``subject``; any other OSError as it is."""
    try:
        yield
    except OSError as error:
        known = explained(error)
        if known is None:
            raise
        raise ParityGateError("PG205", subject, known.cause, known.remedy) from error


def check_output(
    output: Path, *, inputs: Iterable[Path] = (), replaceable: Callable[[Path], bool] | None = None, size: int = 0
) -> None:
    """Refuse an OUTPUT that could not be written. Raises ParityGateError PG205.

    OUTPUT may be a regular file, or a folder that ``replaceable`` agrees to. It must be none of ``inputs``, by whatever
    path or link, nor hold one or be part of one. ``size`` is what will roughly be written.
    """
    with explaining(str(output)):
        try:
            found = os.lstat(output)
        except FileNotFoundError:
            found = None
        except NotADirectoryError as error:
            raise _refused(output, f"{output.parent} is not a folder") from error
        except ValueError as error:  # a NUL
            raise _refused(output, "no file can have this name") from error
        _check_folder(output)
        if found is not None:
            _check_kind(output, found.st_mode, replaceable)
            _check_not_an_input(output, inputs)
        check_space(output.parent, size)


def check_space(folder: Path, size: int = 0) -> None:
    """Refuse a folder whose disk is full, or nearly so for ``size`` bytes. Raises PG205.

    What is written may be smaller than what was read (another precision, no optimiser state): a quarter must fit.
    """
    free, needed = shutil.disk_usage(folder).free, max(_LEAST_FREE, size // 4)
    if free < needed:
        raise ParityGateError(
            "PG205",
            str(folder),
            f"only {free / 2**20:.1f} MiB are free on its disk, and {needed / 2**20:.1f} MiB are needed",
            "Free some space, or name another place.",
        )


def _check_folder(output: Path) -> None:
    folder = output.parent
    if not folder.is_dir():
        raise _refused(output, f"the folder {folder} does not exist", f"mkdir -p {folder}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _refused(output, f"the folder {folder} can't be written to")
    length, longest = len(os.fsencode(output.name)), os.pathconf(folder, "PC_NAME_MAX") - _NAME_RESERVE
    if length > longest:
        raise _refused(output, f"the name has {length} bytes, of at most {longest}", "Use a shorter name.")


def _check_kind(output: Path, mode: int, replaceable: Callable[[Path], bool] | None) -> None:
    if stat.S_ISREG(mode) or (stat.S_ISDIR(mode) and replaceable is not None and replaceable(output)):
        return
    kind = next((name for test, name in _KINDS if test(mode)), "no regular file")
    raise _refused(output, f"{kind} is in the way", "Name another OUTPUT or remove it.")


def _check_not_an_input(output: Path, inputs: Iterable[Path]) -> None:
    place = output.resolve()
    for path in filter(os.path.exists, inputs):
        source = path.resolve()
        inner = place != source and place.is_relative_to(source) and place.relative_to(source).parts[0] in _PARTS
        if inner or source.is_relative_to(place) or path.samefile(output):
            raise _refused(output, f"it is {'part of ' if inner else ''}the input {path}", "Name another OUTPUT.")


def _refused(output: Path, cause: str, remedy: str = "") -> ParityGateError:
    return ParityGateError("PG205", str(output), cause, remedy)
