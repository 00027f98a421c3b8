"""The file that carries samples or outputs from one process to another.

It is an uncompressed .npz that ``numpy.load`` can read: member ``0/x`` is array ``x`` of the first sample or run. The
member ``paritygate.json`` lists the names, because the names of the members don't tell their order or a run without
arrays. Nothing is pickled.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from ..errors import ParityGateError
from .member_names import member_name
from .options import DTYPES
from .types import Sample, SampleKind, Samples

if TYPE_CHECKING:
    from ..signature import Array

META = "paritygate.json"
"""The member that marks an .npz as a job file."""


def save_samples(samples: Samples, path: Path) -> None:
    """Write ``samples`` to one uncompressed .npz; :func:`load_samples` gives back the same bits.

    Raises ParityGateError PG204 for an array of neither numbers nor text.
    """
    head = {"origin": samples.origin, "seed": samples.seed, "notes": samples.notes}
    items = [{"label": item.label, "kind": item.kind, "batch": item.batch} for item in samples.items]
    _save(path, {**head, "items": items}, samples.feeds)


def load_samples(path: Path) -> Samples:
    """Read what :func:`save_samples` wrote. Raises ParityGateError PG203."""
    meta, feeds = _load(path)
    if "items" not in meta:
        raise ParityGateError("PG203", str(path), "it holds outputs, not samples")
    try:
        items = tuple(_sample(item, feed) for item, feed in zip(meta["items"], feeds, strict=True))
    except (KeyError, ValueError) as error:
        raise ParityGateError("PG203", str(path), f"it is not a complete paritygate file: {error}") from error
    return Samples(items, meta["origin"], meta["seed"], tuple(meta["notes"]))


def _sample(item: Mapping[str, Any], feed: Mapping[str, Array]) -> Sample:
    return Sample(item["label"], feed, SampleKind(item["kind"]), item["batch"])


def save_outputs(outputs: Sequence[Mapping[str, Array]], path: Path) -> None:
    """Write one mapping (output name -> array) per sample to one uncompressed .npz.

    Raises ParityGateError PG204 for an array of neither numbers nor text.
    """
    _save(path, {}, outputs)


def load_outputs(path: Path) -> list[dict[str, Array]]:
    """Read what :func:`save_outputs` wrote. Raises ParityGateError PG203."""
    return _load(path)[1]


def save_given(path: Path, kind: str, title: str, feeds: Sequence[Mapping[str, Array]]) -> None:
    """Write live samples of the user's (:mod:`.given`). Raises ParityGateError PG204."""
    _save(path, {"given": kind, "title": title}, feeds)


def load_given(path: Path) -> tuple[str, str, list[dict[str, Array]]]:
    """(kind, title, feeds) as :func:`save_given` was told them. Raises ParityGateError PG203."""
    meta, feeds = _load(path)
    return meta["given"], meta["title"], feeds


def is_given(path: Path) -> bool:
    """Whether a job file holds live samples that have not been fitted to the model yet. Raises PG203."""
    with zipfile.ZipFile(path) as archive:
        return "given" in json.loads(archive.read(META))


def save_arrays(arrays: Mapping[str, Array], file: IO[bytes]) -> None:
    """Write an .npz for the user: one member per array, named as :func:`.member_names.member_name` says.

    ``numpy.savez`` takes names as keywords, and ``file`` and ``allow_pickle`` for its own. Raises PG204 and PG205.
    """
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            _write(archive, f"{member_name(name)}.npy", storable(array, name))


def is_job_file(path: Path) -> bool:
    """Whether ``path`` is an .npz of ours, with labels in it, rather than a user's."""
    try:
        with zipfile.ZipFile(path) as archive:
            return META in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False


def storable(array: Array, name: str) -> Array:
    """``array`` as numbers, booleans or ``<U`` text in native byte order; an array of str objects becomes text.

    Raises ParityGateError PG204.
    """
    if array.dtype == object and all(isinstance(value, str) for value in array.flat):
        return array.astype(str)
    if array.dtype.kind != "U" and array.dtype.name not in DTYPES:
        raise ParityGateError(
            "PG204",
            f"'{name}'",
            f"its dtype {array.dtype} is not one of {', '.join(DTYPES)}",
            "Cast it to one of these.",
        )
    return array.astype(array.dtype.newbyteorder("="), order="C", copy=False)


def _save(path: Path, meta: Mapping[str, Any], runs: Sequence[Mapping[str, Array]]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for index, run in enumerate(runs):
            for name, array in run.items():
                _write(archive, _member(index, name), storable(array, name))
        archive.writestr(META, json.dumps({**meta, "names": [list(run) for run in runs]}))


def _write(archive: zipfile.ZipFile, name: str, array: Array) -> None:
    with archive.open(name, "w", force_zip64=True) as member:
        np.lib.format.write_array(member, array, allow_pickle=False)


def _load(path: Path) -> tuple[dict[str, Any], list[dict[str, Array]]]:
    try:
        with zipfile.ZipFile(path) as archive:
            meta = json.loads(archive.read(META))
            names = meta.pop("names")
            return meta, [{name: _array(archive, i, name) for name in run} for i, run in enumerate(names)]
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ParityGateError("PG203", str(path), f"it is not a complete paritygate file: {error}") from error


def _array(archive: zipfile.ZipFile, index: int, name: str) -> Array:
    with archive.open(_member(index, name)) as member:
        array: Array = np.lib.format.read_array(member, allow_pickle=False)
        return array


def _member(index: int, name: str) -> str:
    return f"{index}/{member_name(name)}.npy"
