"""What a file of weights holds, told without PyTorch and without making any of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from ....errors import ParityGateError
from ....guard.inert import DescribingReader, Inert
from .tree import find_tensors

_REBUILT = "_rebuild_"
_LONGEST_HEADER = 1 << 27
_SHOWN = 3

INDEX = ".index.json"
"""The end of the name of a file that lists the parts of a checkpoint."""

Shapes = Mapping[str, Sequence[Any] | None]
"""Place of a tensor -> its shape, None where that isn't known."""


def pickled_shapes(file: BinaryIO, skip: int = 0) -> Shapes | None:
    """The tensors in the pickle at the file's position, after ``skip`` others; None where it isn't a container.

    Raises ValueError for a damaged pickle.
    """
    try:
        tree = [DescribingReader(file).load() for _ in range(skip + 1)][-1]
    except ParityGateError:
        return None
    except Exception as error:  # the pickle drives the reader, so it can raise anything
        raise ValueError(f"{type(error).__name__}: {error}") from error
    if not isinstance(tree, dict | list | tuple) and not (isinstance(tree, Inert) and _is_container(tree)):
        return None
    return {place: _shape(found.value) for place, found in find_tensors(tree, _is_tensor).items()}


def _is_container(made: Inert) -> bool:
    """Whether it is filled like a dictionary, as an OrderedDict is, and not the state of a module."""
    return bool(made.items) or made.origin == ("collections", "OrderedDict")


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Inert) and _REBUILT in value.origin[1]


def _shape(rebuilt: Any) -> Sequence[Any] | None:
    inner = next((each for each in rebuilt.arguments if _is_tensor(each)), None)  # a parameter around its tensor
    if inner is not None:
        return _shape(inner)
    return next((each for each in rebuilt.arguments[1:] if _is_sizes(each)), None)


def _is_sizes(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(size, int) for size in value)


def safetensors_shapes(path: Path) -> Shapes:
    """The tensors that a safetensors file lists. Raises ParityGateError PG402 for another file."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(min(length, _LONGEST_HEADER)))
        return {name: entry["shape"] for name, entry in header.items() if name != "__metadata__"}
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise ParityGateError(
            "PG402", str(path), "the safetensors file is damaged: its header can't be read"
        ) from error


def index_shapes(path: Path) -> Shapes:
    """The tensors that an index of several files lists. Raises ParityGateError PG402 for another file."""
    return dict.fromkeys(weight_map(path))


def weight_map(path: Path) -> Mapping[str, str]:
    """Tensor -> file, from an index. Raises ParityGateError PG402 for another file."""
    try:
        listed = json.loads(path.read_text())["weight_map"]
        if not all(isinstance(name, str) for entry in listed.items() for name in entry):
            raise ValueError("not a map of names")
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        cause = "it doesn't list the files of a checkpoint (weight_map)"
        raise ParityGateError("PG402", str(path), cause) from error
    return dict(listed)


def weights_only(path: Path, shapes: Shapes | None = None) -> ParityGateError:
    """The error (PG402) for a file of weights that was given as a model: what it holds, and a command that works."""
    held = f": {len(shapes)} tensors, such as {_examples(shapes)}" if shapes else " (a state dict)"
    return ParityGateError(
        "PG402", str(path), f"it holds only weights{held}. The code of the module that they belong to is missing",
        "Name a function that builds the module: "
        f"paritygate convert file.py:function --weights {path.name} --input x:float32:N,... -o model.onnx",
    )  # fmt: skip


def _examples(shapes: Shapes) -> str:
    shown = [f"{place} {list(shape)}" if shape is not None else place for place, shape in shapes.items()]
    return ", ".join(shown[:_SHOWN])
