"""Samples from the user's own files."""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ParityGateError
from .batches import split
from .fit import check_names, fit_to
from .images import SUFFIXES as IMAGES
from .images import image_files, read_images
from .jobfile import is_job_file, load_samples
from .onnx_data import is_onnx_data, read_onnx_data
from .raw import Raw, Request, positional, unreadable
from .tables import read_csv, read_parquet
from .types import Sample, Samples

if TYPE_CHECKING:
    from ..signature import Array, Feed, Signature

_NUMBERED = re.compile(r"(\d+)/(.+)", re.DOTALL)
_DAMAGED = (ValueError, EOFError, OSError, MemoryError, RuntimeError, zipfile.BadZipFile, zlib.error)
_PICKLE = (
    "Objects are pickled code and never loaded: save text as dtype '<U' and rows of unequal length as one array each."
)


def read_samples(
    path: Path,
    signature: Signature | None,
    *,
    batch: int | None = None,
    keep_width: bool = False,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    features: tuple[str, ...] = (),
) -> Samples:
    """Read .npz, .npy, .csv, .parquet, .json, a folder of images or an ONNX test data folder.

    With ``signature`` None the arrays are given as the file has them, by name (``input_0``, ... where the format
    has no names). Otherwise they are bound to the model's inputs, split into batches (``batch`` rows; 64, or the
    model's own fixed batch), and fitted as :func:`.fit.fit_to` says; ``keep_width`` keeps the width of floating
    values. ``ranges`` maps an image input's name to the values that black and white become. ``features`` are the
    column names of a model that takes one array of features.

    Raises ParityGateError PG202 (no such file), PG203 (can't be read), PG204 (doesn't fit the model), PG206.
    """
    if batch is not None and batch < 1:
        raise ParityGateError("PG201", f"batch size {batch}", "it must be 1 or more")
    if _is_job(path):
        samples = load_samples(path)
    else:
        reader = _reader(path)
        raw = reader(path, Request(signature, ranges or {}, features))
        if ranges and reader is not read_images:
            raw = replace(raw, notes=(*raw.notes, "ranges are for generated samples and images: not used here"))
        samples = _batched(raw, path, signature, batch)
    return samples if signature is None else fit_to(samples, signature, keep_width=keep_width)


def read_example(path: Path) -> Feed | None:
    """The first sample as the file has it, for a model that doesn't say what it takes; None for images.

    An image has no shape of its own: the model's input decides its size and layout. Raises ParityGateError PG202,
    PG203.
    """
    if not _is_job(path) and _reader(path) is read_images:
        return None
    return read_samples(path, None).feeds[0]


def _is_job(path: Path) -> bool:
    return path.suffix.lower() == ".npz" and is_job_file(path)


def _batched(raw: Raw, path: Path, signature: Signature | None, batch: int | None) -> Samples:
    items: list[Sample] = []
    notes = list(raw.notes)
    for label, feed in raw.feeds.items():
        if not feed:
            raise unreadable(path, "it holds no arrays", "An empty comparison would prove nothing.")
        if raw.whole or signature is None:
            items.append(Sample(label, dict(feed)))
            continue
        check_names(feed, signature)
        part, said = split(feed, signature, batch, prefix=f"{label}: " if len(raw.feeds) > 1 else "")
        items += part
        notes += said
    return Samples(tuple(items), str(path), None, tuple(notes))


def _reader(path: Path) -> Callable[[Path, Request], Raw]:
    if not path.exists():
        raise ParityGateError("PG202", str(path), "there is no such file or folder")
    if path.is_dir():
        if is_onnx_data(path):
            return read_onnx_data
        if image_files(path):
            return read_images
        raise unreadable(path, "the folder holds neither images nor input_0.pb nor test_data_set_0")
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise unreadable(
            path, f"'{path.suffix}' is no format of samples", f"Known: {', '.join(_READERS)}, or a folder."
        )
    return reader


def _read_npz(path: Path, request: Request) -> Raw:
    known = {spec.name for spec in request.inputs()}
    numbered: dict[int, dict[str, Array]] = {}
    plain: dict[str, Array] = {}
    for key, array in _load_npz(path).items():
        number = None if key in known else _NUMBERED.fullmatch(key)
        if number:
            numbered.setdefault(int(number[1]), {})[number[2]] = array
        else:
            plain[key] = array
    if numbered and plain:
        raise unreadable(path, f"'{next(iter(plain))}' has no sample number but other arrays have ('0/name')")
    if numbered:
        return Raw({f"sample {number}": numbered[number] for number in sorted(numbered)}, whole=True)
    return Raw({path.name: plain})


def _load_npz(path: Path) -> dict[str, Array]:
    loaded = _numpy_load(path)
    if isinstance(loaded, np.ndarray):
        raise unreadable(path, "it is one array, not an .npz archive", "Rename it to .npy.")
    arrays = {}
    with loaded:
        for key in loaded.files:
            try:
                arrays[key] = np.asarray(loaded[key])
            except _DAMAGED as error:
                raise unreadable(path, f"its array '{key}' can't be read: {error}", _pickle_advice(error)) from error
    return arrays


def _read_npy(path: Path, request: Request) -> Raw:
    array = _numpy_load(path)
    if not isinstance(array, np.ndarray):
        array.close()
        raise unreadable(path, "it is an .npz archive", "Rename it to .npz.")
    return Raw({path.name: positional(str(path), [array], request)})


def _numpy_load(path: Path) -> Any:
    try:
        return np.load(path, allow_pickle=False)
    except _DAMAGED as error:
        raise unreadable(path, f"numpy can't read it: {error}", _pickle_advice(error)) from error


def _pickle_advice(error: Exception) -> str:
    return _PICKLE if "allow_pickle" in str(error) else ""


def _read_json(path: Path, request: Request) -> Raw:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise unreadable(path, f"it is not JSON: {error}") from error
    objects = content if isinstance(content, list) else [content]
    if not objects or not all(isinstance(each, dict) for each in objects):
        raise unreadable(path, "it is neither an object of name -> values nor a list of such objects")
    feeds = [{name: _json_array(path, name, value) for name, value in each.items()} for each in objects]
    if isinstance(content, list):
        return Raw({f"sample {number}": feed for number, feed in enumerate(feeds)}, whole=True)
    return Raw({path.name: feeds[0]})


def _json_array(path: Path, name: str, value: Any) -> Array:
    """Nested lists as an array; null is NaN among numbers."""
    try:
        array = np.array(value)
        if array.dtype == object:
            array = np.array(value, np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        raise unreadable(path, f"'{name}' is no array of numbers or text: {error}") from error
    if array.dtype.kind == "U" and not all(isinstance(leaf, str) for leaf in np.array(value, object).flat):
        raise unreadable(path, f"'{name}' mixes text with numbers")
    return array


_READERS: dict[str, Callable[[Path, Request], Raw]] = {
    ".npz": _read_npz,
    ".npy": _read_npy,
    ".csv": read_csv,
    ".parquet": read_parquet,
    ".json": _read_json,
    **dict.fromkeys(IMAGES, read_images),
}
