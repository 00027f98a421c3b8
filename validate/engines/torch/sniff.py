"""Which kind of PyTorch file is this? Decided without PyTorch, and without running anything in the file."""

from __future__ import annotations

import io
import pickle
import pickletools
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ...errors import ParityGateError
from ...guard.inert import may_stand_in
from .checkpoints.describe import pickled_shapes, weights_only
from .files.container import ZIP_MAGIC, Container, damaged, is_legacy, refused
from .files.names import MODULES, TENSORS
from .files.pickles import is_tar

_PROGRAM = ("models/model.json", "serialized_exported_program.json")
_REMEMBERS, _RECALLS = {"MEMOIZE", "BINPUT", "LONG_BINPUT"}, {"BINGET", "LONG_BINGET"}
_LEGACY_PICKLES = 4
"""Number, version, system and the object itself; a list of storages follows."""


def sniff(path: Path) -> str:
    """The format of a file that PyTorch wrote: ``torch_export``, ``torchscript`` or ``torch_module``.

    The first bytes decide about the container, as they do for PyTorch. Reads member names and pickle opcodes only;
    neither imports PyTorch nor runs what the file holds. Raises ParityGateError PG401 for anything else, PG402 for a
    damaged file and for weights without their module, PG501 for a file that PyTorch may read in another way.
    """
    with path.open("rb") as file:
        head = file.read(512)
        if head.startswith(ZIP_MAGIC):
            return _sniff_archive(Container(path, file))
        if is_tar(head):
            raise refused(path, "it is a tar file, as PyTorch wrote before 2017: loading it would run its pickles")
        if not is_legacy(head):
            raise ParityGateError("PG401", str(path), "it is not a file format that PyTorch writes")
        file.seek(0)
        return _module_or_weights(path, file, _LEGACY_PICKLES)


def _sniff_archive(container: Container) -> str:
    inner = set(container.inner()) | set(container.members)
    if inner.intersection(_PROGRAM):
        return "torch_export"
    if "archive_format" in inner:
        raise ParityGateError(
            "PG402", str(container.path), "the .pt2 archive holds only compiled code, not an exported program",
            "Save the program with torch.export.save.",
        )  # fmt: skip
    if "constants.pkl" in inner:
        return "torchscript"
    pickles = [name for name in container.members if name.casefold().endswith("data.pkl")]
    if not pickles:
        raise ParityGateError("PG401", str(container.path), "it is a zip file, but not one that PyTorch writes")
    return _module_or_weights(container.path, io.BytesIO(container.read(pickles[0])), 1)


def _module_or_weights(path: Path, file: BinaryIO, count: int) -> str:
    """Whether the pickles hold a module or weights. What the loader allows is decided by the loader alone."""
    start = file.tell()
    try:
        names = {TENSORS.current(*name) for _ in range(count) for name in _names(file)}
        file.seek(start)
        shapes = pickled_shapes(file, count - 1)
    except (ValueError, IndexError, pickle.UnpicklingError) as error:
        raise damaged(path, f"not a complete pickle ({error})") from error
    harmless = all(name in MODULES or may_stand_in(*name) for name in names)
    if all(name in TENSORS for name in names) or (shapes and harmless):
        raise weights_only(path, shapes)
    return "torch_module"


def _names(file: BinaryIO) -> Iterator[tuple[str, str]]:
    """The names that a pickle imports, where it spells them out."""
    texts: list[str] = []
    memo: dict[int, str] = {}
    text = ""
    for opcode, argument, _ in pickletools.genops(file):
        if opcode.name in ("GLOBAL", "INST"):
            module, _, name = str(argument).partition(" ")
            yield module, name
        elif opcode.name == "STACK_GLOBAL":
            yield (texts[-2], texts[-1]) if len(texts) > 1 else ("", "")
        elif opcode.name in _REMEMBERS:
            memo[len(memo) if argument is None else int(argument)] = text
            continue
        if opcode.name in _RECALLS:
            text = memo.get(int(argument or 0), "")
        else:
            text = argument if isinstance(argument, str) else ""
        texts += [text] if text else []
