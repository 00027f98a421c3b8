"""What every PyTorch source shares: telling the file formats apart without PyTorch, tensors, names, facts."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from ...errors import ParityGateError
from ...unsafe import AllowList, scan_pickle
from .unsafe import LEGACY_MAGIC, TENSORS, legacy_pickles

if TYPE_CHECKING:
    from ...signature import Array

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
        raise ParityGateError("PG401", str(path), "it is none of the formats that PyTorch writes")
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
                "PG402", str(path), "the .pt2 archive holds compiled code only, no exported program",
                "Save the program with torch.export.save.",
            )  # fmt: skip
        if "constants.pkl" in inner:
            return "torchscript"
        pickles = [name for name in names if name.endswith("data.pkl")]
        if not pickles:
            raise ParityGateError("PG401", str(path), "it is a zip file, but not one that PyTorch writes")
        if not any(_foreign(archive, name, TENSORS) for name in pickles):
            raise weights_only(path)
    return "torch_module"


def _foreign(archive: zipfile.ZipFile, name: str, allowed: AllowList) -> tuple[str, ...]:
    with archive.open(name) as member:
        return scan_pickle(_seekable(member.read()), allowed)


def _seekable(content: bytes) -> BinaryIO:
    from io import BytesIO

    return BytesIO(content)


def weights_only(path: Path) -> ParityGateError:
    """The error (PG402) for a bare state dict."""
    return ParityGateError(
        "PG402",
        str(path),
        "it holds only weights (a state dict), not the module that they belong to",
        f"Name the code that builds the module: paritygate convert package.module:factory --weights {path.name} ...",
    )


def to_tensor(array: Array) -> Any:
    """A tensor with a copy of the array: a model that works in place must not change the samples."""
    import torch

    return torch.tensor(array)


def to_array(name: str, tensor: Any) -> Array:
    """A copy of an output as an array, shape and dtype kept. Raises ParityGateError PG406 where numpy has no dtype."""
    import numpy as np

    dense = tensor.detach().cpu()
    try:
        return np.array(dense.resolve_conj().resolve_neg().numpy())
    except (TypeError, RuntimeError) as error:
        raise ParityGateError(
            "PG406",
            f"output '{name}'",
            f"numpy can't hold a tensor of {dense.dtype}, {dense.layout}",
            "Let the module return dense tensors; convert bfloat16 with module.float() first.",
        ) from error


def dtype_name(dtype: Any) -> str:
    """``torch.float32`` -> ``float32``: PyTorch's names are numpy's."""
    return str(dtype).removeprefix("torch.")


def path_name(keys: Sequence[Any]) -> str:
    """A pytree path as a name: ``past_key_values``, ``key_cache``, 0 -> ``past_key_values_key_cache_0``."""
    return "_".join(str(_key(key)) for key in keys)


def _key(key: Any) -> Any:
    for attribute in ("key", "name", "idx"):
        if hasattr(key, attribute):
            return getattr(key, attribute)
    return key


def unique(names: Iterable[str]) -> list[str]:
    """The same names, a number appended where one comes again."""
    seen: set[str] = set()
    result = []
    for name in names:
        fresh, count = name, 2
        while fresh in seen:
            fresh, count = f"{name}_{count}", count + 1
        seen.add(fresh)
        result.append(fresh)
    return result


def producer() -> str:
    """PyTorch and its version."""
    import torch

    return f"PyTorch {torch.__version__}"


def file_size(source: Any) -> int | None:
    """Bytes on disk, None for a live object."""
    return source.stat().st_size if isinstance(source, Path) else None
