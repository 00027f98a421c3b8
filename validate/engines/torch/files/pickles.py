"""Read what ``torch.save`` wrote: PyTorch's own loader, driven by the guarded unpickler."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

from ....errors import ParityGateError
from ....guard.names import Names
from ....guard.reader import Reader, reader_of
from .container import ZIP_MAGIC, Container, damaged, is_legacy, refused
from .names import TENSORS

_MEMBERS = re.compile(
    r"data\.pkl|version|byteorder|\.format_version|\.storage_alignment|\.data/(serialization_id|version)|data/\w+"
)
"""Members of a file that ``torch.save`` wrote, without their folder."""
_TAR = slice(257, 262), b"ustar"


class TorchReader(Reader):
    """The guarded reader with PyTorch's ways to refer to storages."""

    def call(self, function: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """As for every reader; a rebuilt subclass of a tensor must be made by a function that may be called."""
        if getattr(function, "__name__", "") == "_rebuild_from_type_v2" and not (
            self._may_call(arguments[0]) and self._may_build(arguments[1])
        ):
            raise self.refused("call a function that isn't listed")
        return super().call(function, arguments, keywords)

    def _persistent(self, key: Any) -> Any:
        """What stands outside of the pickle. Old files refer to a module's class with its source: only the class."""
        if isinstance(key, tuple) and key and key[0] in ("module", b"module"):
            return key[1]
        return self.persistent_load(key)

    def load_persid(self) -> None:
        """PyTorch never writes keys as text. Raises ValueError."""
        raise ValueError("a key written as text")

    def load_binpersid(self) -> None:
        """A storage."""
        self.stack.append(self._persistent(self.stack.pop()))

    dispatch = {**Reader.dispatch, ord("P"): load_persid, ord("Q"): load_binpersid}  # noqa: RUF012


def load(path: Path, file: BinaryIO, names: Names, reader: type[Reader] = TorchReader) -> Any:
    """The object in a file by ``torch.save``, of which PyTorch reads nothing before it is checked.

    The first bytes decide what the file is, as they do for PyTorch. Raises ParityGateError PG501 for a file that
    would run code or isn't put together as PyTorch does it, PG402 for a damaged one.
    """
    file.seek(0)
    head = file.read(512)
    file.seek(0)
    if head.startswith(ZIP_MAGIC):
        check_members(Container(path, file))
        return _load(path, file, reader_of(names, str(path), reader))
    if is_tar(head):
        raise refused(path, "it is a tar file, as PyTorch wrote before 2017: loading it would unpack and run pickles")
    if not is_legacy(head):
        raise damaged(path, "it doesn't start as a file by torch.save does")
    content = io.BytesIO(file.read())  # from memory: PyTorch tries tar on files only
    return _load(path, content, reader_of(names, str(path), reader))


def is_tar(head: bytes) -> bool:
    """Whether the first bytes are the header of a tar file, by its mark or by its checksum alone, as old ones are."""
    import tarfile

    if head[_TAR[0]] == _TAR[1]:
        return True
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except (tarfile.TarError, ValueError):
        return False
    return True


def check_members(container: Container) -> None:
    """Raises ParityGateError PG501 for members that ``torch.save`` doesn't write, PG402 without the pickle."""
    if not container.root():
        raise refused(container.path, "its members aren't in one folder")
    inner = container.inner()
    odd = [name for name in inner if not _MEMBERS.fullmatch(name)]
    if odd:
        raise refused(container.path, f"it holds {odd[0]!r}, which torch.save doesn't write")
    if "data.pkl" not in inner:
        raise damaged(container.path, "data.pkl is missing")
    container.read(inner["data.pkl"])


def _load(path: Path, file: BinaryIO, reader: type[Reader]) -> Any:
    import torch

    file.seek(0)
    try:
        return torch.load(file, map_location="cpu", weights_only=False, pickle_module=_pickle_module(reader))
    except ParityGateError:
        raise
    except (ModuleNotFoundError, AttributeError) as error:
        raise ParityGateError(
            "PG402", str(path), f"it holds what this version of PyTorch doesn't have ({error})",
            "Load it with the version that wrote it, and save its state dict.",
        ) from error  # fmt: skip
    except Exception as error:  # the pickle drives the classes, so they can raise anything
        raise damaged(path, f"{type(error).__name__}: {str(error).strip()}") from error


def _pickle_module(reader: type[Reader]) -> Any:
    """What PyTorch takes in place of Python's pickle module."""

    def load(stream: BinaryIO, **options: Any) -> Any:
        return reader(stream, **options).load()

    return SimpleNamespace(__name__="paritygate", Unpickler=reader, load=load)


@contextmanager
def guarded_torch_load(path: Path) -> Iterator[None]:
    """While it lasts, ``torch.load`` reads only what :data:`TENSORS` lists, whatever its caller asks for.

    ``torch.export.load`` reads the files inside of a program by ``torch.load``, without restriction if the restricted
    way fails; so the guarded reader takes its place, and not another one looks at the same bytes before.
    """
    import torch

    original: Callable[..., Any] = torch.load

    def guarded(file: Any, *_: Any, **options: Any) -> Any:
        if "pickle_module" in options:  # the guarded call itself
            return original(file, **options)
        return load(path, file, TENSORS)

    torch.load = guarded
    try:
        yield
    finally:
        torch.load = original
