"""Where a model is, as CI systems want it: a path within the repository."""

from __future__ import annotations

from pathlib import Path, PurePath
from urllib.parse import quote

from ...text import printable


def path_of(model: str) -> str:
    """The file of a model as the user calls it (``nets.py:build`` is in nets.py), relative to the working directory.

    A file outside of it keeps its whole path, since nothing shorter would name it.
    """
    path = PurePath(_file(printable(model)))
    folder = Path.cwd()
    return (path.relative_to(folder) if path.is_relative_to(folder) else path).as_posix()


_SAFE = "/:"


def uri_of(model: str) -> str:
    """The same as a URI reference: relative where the path is, everything but a path's own characters escaped."""
    path = path_of(model)
    quoted = quote(path.encode("utf-8", "surrogatepass"), safe=_SAFE)
    if path.startswith("/"):
        return f"file://{quoted}"
    return f"./{quoted}" if ":" in quoted.partition("/")[0] else quoted  # what precedes a colon would be a scheme


def _file(model: str) -> str:
    file, colon, _ = model.rpartition(":")
    return file if colon and file.endswith(".py") else model
