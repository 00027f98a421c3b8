"""What a .keras archive or an .h5 file holds, checked before Keras reads it."""

from __future__ import annotations

import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ...errors import ParityGateError

_MEMBERS = re.compile(
    r"metadata\.json|config\.json|quantization_config\.json|README\.md|model\.weights\.(h5|npz|json)"
    r"|model\.weights_\d+\.h5|model_\d+\.weights\.h5|assets/.+"
)
_LARGE = 256 * 2**20
_MOST_EXPANSION = 100
"""A member beyond ``_LARGE`` bytes may not be compressed more than that: weights don't compress so well."""

_READS_VOCABULARY = {"StringLookup", "IntegerLookup", "IndexLookup", "TextVectorization"}
_HDF5 = b"\x89HDF\r\n\x1a\n"
_SHOWN = 3
_REMEDY = "Save the model again with Keras."


def check_file(path: Path, *, trust: bool) -> None:
    """Check a model file's container, its config, and where its weights are.

    Raises ParityGateError PG402 for a damaged file, PG501 for layers that read files of their own unless ``trust``,
    PG502 for weights in other files.
    """
    with path.open("rb") as file:
        head = file.read(len(_HDF5))
    if head.startswith(b"PK"):
        config = _check_archive(path)
    elif head == _HDF5:
        config = _check_hdf5(path, path)
        if config is None:
            raise _without_config(path)
    else:
        raise _damaged(path, "it is neither a .keras archive nor an HDF5 file")
    reading = list(dict.fromkeys(_file_readers(config)))
    if reading and not trust:
        cause = f"its layers read files that aren't part of it: {', '.join(reading)}"
        raise ParityGateError("PG501", str(path), cause, "Pass --trust if you trust the file's author.")


def keras_version(path: Path) -> str:
    """The version of Keras that wrote the file; empty if it doesn't say."""
    import h5py

    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return str(json.loads(archive.read("metadata.json")).get("keras_version", ""))
    with h5py.File(path) as file:
        return str(file.attrs.get("keras_version", ""))


@contextmanager
def named_after_content(path: Path) -> Iterator[Path]:
    """The path, or a link to it: Keras goes by the suffix, and takes a .weights.h5 for weights only."""
    suffixes = (".keras",) if zipfile.is_zipfile(path) else (".h5", ".hdf5")
    if path.suffix in suffixes and not path.name.endswith(".weights.h5"):
        yield path
        return
    with TemporaryDirectory() as folder:
        link = Path(folder) / f"model{suffixes[0]}"
        link.symlink_to(path.resolve())
        yield link


def _check_archive(path: Path) -> Any:
    """Check the members of a .keras archive and return its config."""
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(path, archive.infolist())
            _read_object(path, archive, "metadata.json")
            for name in archive.namelist():
                if name.endswith(".h5"):
                    with archive.open(name) as weights:
                        _check_hdf5(path, weights)
            return _read_object(path, archive, "config.json")
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        raise _damaged(path, f"the archive can't be read: {type(error).__name__}: {error}") from error


def _check_members(path: Path, members: list[zipfile.ZipInfo]) -> None:
    twice = [name for name, count in Counter(member.filename.lower() for member in members).items() if count > 1]
    if twice:
        raise _damaged(path, f"the archive has the member {twice[0][:80]!r} twice")
    for name in (member.filename for member in members):
        if ".." in name.split("/") or name.startswith("/"):
            raise ParityGateError("PG502", str(path), f"its member {name[:80]!r} leaves the archive", _REMEDY)
        if not _MEMBERS.fullmatch(name):
            raise _damaged(path, f"the archive has a member {name[:80]!r}, which Keras doesn't write")
    for member in members:
        if member.file_size > _LARGE and member.file_size > _MOST_EXPANSION * member.compress_size:
            raise _damaged(path, f"its member {member.filename} would grow to {member.file_size} bytes when unpacked")


def _read_object(path: Path, archive: zipfile.ZipFile, name: str) -> Any:
    if name not in archive.namelist():
        raise _damaged(path, f"the archive has no {name}")
    try:
        value = json.loads(archive.read(name))
    except (ValueError, RecursionError) as error:
        raise _damaged(path, f"{name} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise _damaged(path, f"{name} is not a JSON object")
    return value


def _check_hdf5(path: Path, file: Any) -> Any:
    """Check that no group or array of an HDF5 file is in another file; return the model's config, if it has one."""
    import h5py

    try:
        with h5py.File(file, "r") as opened:
            _check_group(path, opened)
            config = opened.attrs.get("model_config")
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:  # what h5py makes of damage
        raise _damaged(path, f"the HDF5 file can't be read: {error}") from error
    try:
        return None if config is None else json.loads(config)
    except (ValueError, TypeError, RecursionError) as error:
        raise _damaged(path, f"its model_config is not JSON: {error}") from error


def _without_config(path: Path) -> ParityGateError:
    """Files of weights: Keras 2 lists the layers, Keras 3 has a group for them. Any other one isn't of Keras."""
    import h5py

    with h5py.File(path, "r") as file:
        weights = "layer_names" in file.attrs or {"layers", "vars", "_layer_checkpoint_dependencies"} & set(file)
        listed = ", ".join(list(file)[:_SHOWN]) or "nothing"
    if not weights:
        cause = f"it is an HDF5 file, but not one of Keras: it has no model_config. It holds {listed}"
        return ParityGateError("PG402", str(path), cause, "Give a file that model.save wrote.")
    load = f"model.load_weights({str(path)!r}); model.save('model.keras')"
    remedy = f"Build the model in Python, load these weights and save the whole model: {load}. Convert model.keras."
    return ParityGateError("PG402", str(path), "it holds weights only, not the model that they belong to", remedy)


def _check_group(path: Path, root: Any) -> None:
    import h5py

    seen, todo = set(), [root]
    while todo:
        group = todo.pop()
        if hash(group.id) in seen:  # h5py's hash is the object's address in the file
            continue
        seen.add(hash(group.id))
        for name in group:
            if isinstance(group.get(name, getlink=True), h5py.ExternalLink):
                raise _elsewhere(path, f"{group.name}/{name}")
            value = group.get(name)
            if isinstance(value, h5py.Group):
                todo.append(value)
            elif isinstance(value, h5py.Dataset) and (value.external or value.is_virtual):
                raise _elsewhere(path, str(value.name))


def _elsewhere(path: Path, name: str) -> ParityGateError:
    return ParityGateError("PG502", str(path), f"its array {name!r} is stored in another file", _REMEDY)


def _file_readers(node: Any) -> Iterator[str]:
    """Layers of a config that name a file or a folder, anywhere in it."""
    todo = [node]
    while todo:
        each = todo.pop()
        if isinstance(each, list):
            todo += each
        elif isinstance(each, dict):
            todo += each.values()
            kind, config = each.get("class_name"), each.get("config")
            if kind == "TFSMLayer":
                yield "TFSMLayer (loads a SavedModel)"
            names = isinstance(config, dict) and isinstance(config.get("vocabulary"), str)
            if isinstance(kind, str) and kind.rpartition(">")[2] in _READS_VOCABULARY and names:
                yield f"{kind} (reads its vocabulary from a file)"


def _damaged(path: Path, cause: str) -> ParityGateError:
    return ParityGateError("PG402", str(path), cause, _REMEDY)
