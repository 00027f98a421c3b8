"""Read the tensors of a checkpoint, whatever its form, without running any code of its author's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ....errors import ParityGateError
from ....guard.inert import InertReader, is_inert
from ....paths import regular_file
from ..files.container import ZIP_MAGIC, Container, is_legacy
from ..files.names import TENSORS
from ..files.pickles import TorchReader
from ..files.pickles import load as load_saved
from .describe import INDEX, safetensors_shapes, weight_map
from .tree import Found, find_tensors

_PART = re.compile(r"-\d+-of-\d+(?=\.\w+$)")
_USUAL = tuple(
    f"{stem}{suffix}{index}"
    for stem, suffix in (
        ("model", ".safetensors"), ("pytorch_model", ".bin"), ("diffusion_pytorch_model", ".safetensors"),
    )
    for index in ("", INDEX)
)  # fmt: skip
"""What a folder of weights holds by the conventions of transformers and diffusers."""

_HEAD = 512


class CheckpointReader(TorchReader, InertReader):
    """PyTorch's pickles, with stand-ins for the objects of other packages."""

    def call(self, function: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """As for every reader; of a subclass of tensors that isn't imported, the tensor is read."""
        name = getattr(function, "__name__", "")
        if name == "_rebuild_from_type_v2" and len(arguments) == 4 and is_inert(arguments[1]):
            return self.call(arguments[0], tuple(arguments[2]), {})
        return super().call(function, arguments, keywords)


def read_checkpoint(path: Path) -> dict[str, Found]:
    """Place -> tensor, of a file by ``torch.save``, a safetensors file, an index of several, or their folder.

    Raises ParityGateError PG202 (no such file), PG402 (damaged, or a model instead of weights), PG403, PG501 (code),
    PG502 (an index that names files elsewhere).
    """
    path = _in_folder(path) if path.is_dir() else path
    if not path.is_file():
        raise ParityGateError("PG202", str(path), "no such file", "Check --weights.")
    if path.name.endswith(INDEX):
        return _read_parts(path)
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if path.suffix == ".safetensors" or head[8:10] == b'{"':
        return _found(_read_safetensors(path))
    return _found(_read_pickled(path, head))


def whole_of(path: Path) -> Path | None:
    """The index that belongs to one part of a checkpoint, if the file's name says that it is one."""
    if not _PART.search(path.name):
        return None
    return path.with_name(_PART.sub("", path.name) + INDEX)


def _in_folder(folder: Path) -> Path:
    present = [folder / name for name in _USUAL if (folder / name).is_file()]
    if not present:
        cause = f"the folder holds none of {', '.join(_USUAL)}"
        raise ParityGateError("PG202", str(folder), cause, "Name the file with the weights.")
    return present[0]


def _read_parts(index: Path) -> dict[str, Found]:
    listed = weight_map(index)
    if any(name.endswith(INDEX) for name in listed.values()):
        raise ParityGateError(
            "PG402", str(index), "it names an index in place of a file with tensors", "Copy it again."
        )
    tensors: dict[str, Found] = {}
    for name in dict.fromkeys(listed.values()):
        tensors |= read_checkpoint(regular_file(index.parent, name))
    missing = [name for name in listed if name not in tensors]
    if missing:
        raise ParityGateError("PG402", str(index), f"the files that it names lack {missing[0]}", "Copy them again.")
    return {name: tensors[name] for name in listed}


def _read_safetensors(path: Path) -> Mapping[str, Any]:
    safetensors_shapes(path)  # the library believes the length of the header as it stands
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError as error:
        cause = "reading it needs safetensors, which is not installed"
        raise ParityGateError("PG403", str(path), cause, "pip install 'paritygate[torch]'") from error
    try:
        return dict(load_file(path))
    except (SafetensorError, ValueError, KeyError) as error:
        raise ParityGateError("PG402", str(path), f"the safetensors file is damaged: {error}") from error


def _read_pickled(path: Path, head: bytes) -> Any:
    if head.startswith(ZIP_MAGIC):
        _refuse_models(path)
    elif not is_legacy(head) and path.suffix not in (".pt", ".pth", ".bin", ".ckpt"):
        cause = "it is neither a file by torch.save nor a safetensors file"
        raise ParityGateError("PG402", str(path), cause, "Give the state dict of the module with --weights.")
    with path.open("rb") as file:
        return load_saved(path, file, TENSORS, CheckpointReader)


def _refuse_models(path: Path) -> None:
    with path.open("rb") as file:
        inner = Container(path, file).inner()
    if "constants.pkl" in inner or "models/model.json" in inner or "serialized_exported_program.json" in inner:
        raise ParityGateError(
            "PG402", str(path), "it holds a whole model (TorchScript or torch.export), not only weights",
            f"Convert it as it is: paritygate convert {path.name} -o model.onnx",
        )  # fmt: skip


def _found(tree: Any) -> dict[str, Found]:
    import numpy as np
    import torch

    found = find_tensors(tree, lambda value: isinstance(value, torch.Tensor | np.ndarray))
    return {
        place: each if isinstance(each.value, torch.Tensor) else Found(torch.as_tensor(each.value), each.holder)
        for place, each in found.items()
        if isinstance(each.value, torch.Tensor) or each.value.dtype.kind in "biufc"
    }
