"""The last step: a proved candidate moves to its final place, whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Sequence
from functools import partial
from mmap import ACCESS_READ, mmap
from pathlib import Path

from ..validate.engines.onnxruntime import external_files
from ..validate.errors import ParityGateError
from ..validate.files import output as files
from ..validate.files.journal import data_noted
from ..validate.files.leftovers import clear_abandoned
from ..validate.files.output import explaining
from ..validate.files.replace import move_or_copy, replace, staged
from .targets import ONNX_MODEL, Target

_Take = Callable[[str, str], str]
"""Brings a file (its name) to another place of the same or another file system, and returns the new name."""


def check_output(output: Path, target: Target = ONNX_MODEL, inputs: Sequence[Path] = ()) -> None:
    """Refuse an OUTPUT that could not be written at the end, before any work is done. Raises PG205.

    A folder may only be replaced by a package, and only if it is one of the same kind. OUTPUT must be none of
    ``inputs``; the external data of an ONNX model among them are inputs too. What killed runs have left is removed.
    """
    data = _external_data(inputs) if os.path.lexists(output) else []
    size = sum(map(_size, inputs[:1]))
    replaceable = partial(_is_marked, target.marker) if target.marker else None
    files.check_output(output, inputs=[*inputs, *data], replaceable=replaceable, size=size)
    with explaining(str(output)):
        clear_abandoned(output.parent)


def publish(candidate: Path, output: Path, spare: Sequence[Path] = (), *, keep: bool = False) -> None:
    """Move the candidate to OUTPUT, or copy it with ``keep``: a package, or a file with its data. Raises PG205.

    Everything is first taken to the folder of OUTPUT and flushed to disk. External data goes to its place under a name
    that no older file has (see :func:`use_free_data_name`), so that the rename of the model itself is the one step that
    makes the new model visible: whatever kills the process before it leaves the old model as it was. The old model's
    own data is removed afterwards, unless a model among ``spare`` uses it too.
    """
    take = shutil.copyfile if keep else move_or_copy
    with explaining(str(output)):
        if candidate.is_dir():
            _publish_package(candidate, output, take)
        else:
            _publish_file(candidate, output, spare, take)


def _publish_package(candidate: Path, output: Path, take: _Take) -> None:
    with staged(output) as copy:
        shutil.copytree(candidate, copy, copy_function=take)
        replace(copy, output)


def _publish_file(candidate: Path, output: Path, spare: Sequence[Path], take: _Take) -> None:
    data = external_files(candidate) if _may_have_data(candidate) else []
    names = [file.name for file in data]
    old = _data_of_old(output) - {path.resolve() for path in [*spare, *_external_data(spare)]}
    with staged(output) as model:
        take(str(candidate), str(model))
        with data_noted(model, names, {file.name for file in old} - set(names)):
            for file in data:
                with staged(output) as partial:
                    take(str(file), str(partial))
                    replace(partial, output.parent / file.name)
            replace(model, output)


def files_of(candidate: Path) -> tuple[Path, ...]:
    """A model file and its external data, which is beside it."""
    return (candidate, *(external_files(candidate) if _may_have_data(candidate) else ()))


def use_free_data_name(candidate: Path, output: Path) -> None:
    """Rename the candidate's external data file if one of that name already exists next to OUTPUT."""
    import onnx
    from onnx.external_data_helper import uses_external_data

    if not _may_have_data(candidate):
        return
    for file in external_files(candidate):
        if not (output.parent / file.name).exists():
            continue
        name = f"{output.name}.{secrets.token_hex(4)}.data"
        model = onnx.load(str(candidate), load_external_data=False)
        for tensor in filter(uses_external_data, model.graph.initializer):
            for entry in tensor.external_data:
                if entry.key == "location" and entry.value == file.name:
                    entry.value = name
        file.rename(file.with_name(name))
        candidate.write_bytes(model.SerializeToString())


def _may_have_data(candidate: Path) -> bool:
    """Only ONNX files refer to external data, by an entry of this name: a large file is searched faster than parsed."""
    if candidate.suffix not in ONNX_MODEL.suffixes or not candidate.is_file() or not candidate.stat().st_size:
        return False
    with candidate.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        return content.find(b"location") >= 0


def _is_marked(marker: str, folder: Path) -> bool:
    """Whether a folder is a package of the kind that a target's marker tells."""
    return (folder / marker).is_file()


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _external_data(inputs: Sequence[Path]) -> list[Path]:
    """The external data of the ONNX models among the inputs. Raises what reading them raises."""
    return [data for path in inputs if _may_have_data(path) for data in external_files(path)]


def _data_of_old(output: Path) -> set[Path]:
    """External data that belongs to the model that OUTPUT replaces: named after it, so no other model shares it."""
    if not _may_have_data(output):
        return set()
    try:
        files = external_files(output)
    except ParityGateError:
        return set()  # the old file was not a readable ONNX model: no data of its own is known
    folder = output.parent.resolve()
    return {file for file in map(Path.resolve, files) if file.parent == folder and file.name.startswith(output.name)}
