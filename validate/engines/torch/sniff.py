"""Which kind of PyTorch file is this? Decided without PyTorch, and without running anything in the file."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path

from ...errors import ParityGateError
from ...unsafe import scan_pickle
from .unsafe import LEGACY_MAGIC, TENSORS, legacy_pickles

_PROGRAM = ("models/model.json", "serialized_exported_program.json")


def sniff(path: Path) -> str:
    """The format of a file that PyTorch wrote: ``torch_export``, ``torchscript`` or ``torch_module``.

    Reads member names and pickle opcodes only; neither imports PyTorch nor runs what the file holds. Raises
    ParityGateError PG401 for anything else and PG402 for a file of weights without their module.
    """
    if zipfile.is_zipfile(path):
        return _sniff_archive(path)
    with path.open("rb") as file:
        legacy = file.read(len(LEGACY_MAGIC)) == LEGACY_MAGIC
    if not legacy:
        raise ParityGateError("PG401", str(path), "it is not a file format that PyTorch writes")
    with path.open("rb") as file:
        if not any(scan_pickle(file, TENSORS) for _ in legacy_pickles(file)):
            raise weights_only(path)
    return "torch_module"


def _sniff_archive(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        inner = {name.partition("/")[2] for name in names} | set(names)
        if inner.intersection(_PROGRAM):
            return "torch_export"
        if "archive_format" in inner:
            raise ParityGateError(
                "PG402", str(path), "the .pt2 archive holds only compiled code, not an exported program",
                "Save the program with torch.export.save.",
            )  # fmt: skip
        if "constants.pkl" in inner:
            return "torchscript"
        pickles = [name for name in names if name.endswith("data.pkl")]
        if not pickles:
            raise ParityGateError("PG401", str(path), "it is a zip file, but not one that PyTorch writes")
        if not any(scan_pickle(BytesIO(archive.read(name)), TENSORS) for name in pickles):
            raise weights_only(path)
    return "torch_module"


def weights_only(path: Path) -> ParityGateError:
    """The error (PG402) for a bare state dict."""
    return ParityGateError(
        "PG402",
        str(path),
        "it holds only weights (a state dict), not the module that they belong to",
        f"Name the code that builds the module: paritygate convert package.module:factory --weights {path.name} ...",
    )
