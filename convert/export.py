"""The last step: a proved candidate moves to its final place, whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import ExitStack
from pathlib import Path

from ..validate.engines.onnxruntime import external_files
from ..validate.errors import ParityGateError
from .targets import ONNX_MODEL, Target


def check_output(output: Path, target: Target = ONNX_MODEL) -> None:
    """Refuse an OUTPUT that could not be written at the end, before any work is done. Raises PG205.

    A folder may only be replaced by a package, and only if it is one of the same kind.
    """
    folder = output.parent
    if not folder.is_dir():
        raise ParityGateError("PG205", str(output), f"the folder {folder} does not exist", f"mkdir -p {folder}")
    if not os.access(folder, os.W_OK):
        raise ParityGateError("PG205", str(output), f"the folder {folder} can't be written to")
    replaceable = bool(target.marker) and (output / target.marker).is_file()
    if output.is_symlink() or (output.is_dir() and not replaceable):
        kind = "a symbolic link" if output.is_symlink() else "a folder"
        raise ParityGateError("PG205", str(output), f"{kind} is in the way", "Name another OUTPUT or remove it.")


def publish(candidate: Path, output: Path) -> None:
    """Move the candidate to OUTPUT: a package, or a file with its external data.

    Everything is first copied beside OUTPUT and flushed to disk. External data goes to its place under a name that
    no older file has (see :func:`use_free_data_name`), so that the rename of the model itself is the one step that
    makes the new model visible: whatever kills the process before it leaves the old model as it was.
    """
    if candidate.is_dir():
        _publish_package(candidate, output)
        return
    old = _external_files_of_old(output)
    data = external_files(candidate) if _may_have_data(candidate) else []
    placed = [output.parent / file.name for file in data]
    with ExitStack() as undo:
        staged = [_stage(file, output.parent, undo) for file in [*data, candidate]]
        for partial, place in zip(staged[:-1], placed, strict=True):
            undo.callback(place.unlink, missing_ok=True)
            partial.replace(place)
        staged[-1].replace(output)
        undo.pop_all()
    for file in old - {place.resolve() for place in placed}:
        file.unlink(missing_ok=True)


def _publish_package(candidate: Path, output: Path) -> None:
    """Copy a package beside OUTPUT, flush it, and rename it; an old one steps aside and comes back if that fails.

    No rename replaces a folder that isn't empty, so that for a moment there is none.
    """
    with ExitStack() as undo:
        partial = output.parent / f".{output.name}.{secrets.token_hex(4)}.partial"
        undo.callback(shutil.rmtree, partial, ignore_errors=True)
        shutil.copytree(candidate, partial, copy_function=_link_or_copy)
        for file in partial.rglob("*"):
            if file.is_file():
                _flush(file)
        old = partial.with_suffix(".old")
        if output.exists():
            output.rename(old)
            undo.callback(old.rename, output)
        partial.replace(output)
        undo.pop_all()
    shutil.rmtree(old, ignore_errors=True)


def use_free_data_name(candidate: Path, output: Path) -> None:
    """Rename the candidate's external data file if one of that name already lies beside OUTPUT."""
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
    """Only ONNX files refer to external data."""
    return candidate.suffix in ONNX_MODEL.suffixes


def _stage(file: Path, folder: Path, undo: ExitStack) -> Path:
    partial = folder / f".{file.name}.{secrets.token_hex(4)}.partial"
    undo.callback(partial.unlink, missing_ok=True)
    _link_or_copy(str(file), str(partial))
    _flush(partial)
    return partial


def _link_or_copy(file: str, copy: str) -> str:
    """Link where both share a file system, as the job folder and OUTPUT often do; copy otherwise."""
    try:
        os.link(file, copy)
    except OSError:
        shutil.copyfile(file, copy)
    return copy


def _flush(file: Path) -> None:
    with file.open("rb") as written:
        os.fsync(written.fileno())
        os.fchmod(written.fileno(), 0o666 & ~_umask())  # onnx writes external data for its owner's eyes only


def _umask() -> int:
    """The process' file mode mask, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _external_files_of_old(output: Path) -> set[Path]:
    """External data that belongs to the model that OUTPUT replaces: named after it, so no other model shares it."""
    if not output.is_file():
        return set()
    try:
        return {file.resolve() for file in external_files(output) if file.name.startswith(output.name)}
    except ParityGateError:
        return set()  # the old file was no readable ONNX model: it has no data that we know of
