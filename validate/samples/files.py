"""Samples from the user's own files: the table of formats, and what is done with the arrays of each."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ParityGateError
from ..sample_formats import SAMPLE_FORMATS, SUFFIXES, SampleFormat
from .axes import bounds_of_batch
from .batches import split_into_batches
from .fit import check_names, fit_to
from .formats.base import RawSamples, ReadContext, Reader, unreadable
from .formats.bounds import check_archive, check_bytes
from .formats.images import image_files, read_images
from .formats.onnx_data import is_onnx_data, read_onnx_data
from .given import read_given
from .job_file import is_given, is_job_file, load_samples
from .types import Sample, SampleKind, Samples

if TYPE_CHECKING:
    from ..signature import Feed, Signature

_BY_SUFFIX: Mapping[str, SampleFormat] = {suffix: format for format in SAMPLE_FORMATS for suffix in format.suffixes}

_MOST_ELEMENTS = 1 << 20
"""Larger files aren't run as one batch: inner tensors are many times as large."""


def read_samples(
    path: Path,
    signature: Signature | None,
    *,
    batch: int | None = None,
    keep_width: bool = False,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    features: tuple[str, ...] = (),
    whole: bool = False,
) -> Samples:
    """Read a file of one of the :data:`~..sample_formats.SAMPLE_FORMATS`, a folder of images or of ONNX test data.

    With ``signature`` None the arrays are returned as the file has them, by name (``input_0``, ... where the format
    has no names). Otherwise they are bound to the model's inputs, split into batches (``batch`` rows; 64, or the
    model's own fixed batch), and fitted as :func:`.fit.fit_to` describes; ``keep_width`` keeps the width of floating
    values. ``ranges`` maps the name of an image input to the values of black and white. ``features`` are the column
    names of a model that takes one array of features. ``whole`` adds all rows as one batch, where they were divided and
    the batch is free.

    Raises ParityGateError PG202 (no such file), PG203 (unreadable), PG204 (doesn't fit the model), PG206 (the
    inputs aren't known), PG502 (a link out of the folder).
    """
    if batch is not None and batch < 1:
        raise ParityGateError("PG201", f"batch size {batch}", "it must be 1 or more")
    context = ReadContext(signature, ranges or {}, features)
    given = _is_given(path)
    if _is_job(path) and not given:
        with _reading(path):
            samples = load_samples(path)
    else:
        raw, origin = _read(path, context, given=given)
        samples = _batched(raw, path, signature, batch, origin)
        if whole and batch is None and signature is not None and not raw.whole:
            samples = replace(samples, items=(*samples.items, *_as_one_batch(samples, raw, signature)))
    return samples if signature is None else fit_to(samples, signature, keep_width=keep_width)


def _read(path: Path, context: ReadContext, *, given: bool) -> tuple[RawSamples, str]:
    """A file's or folder's arrays, and how the report calls it."""
    if given:
        with _reading(path):
            return read_given(path, context)
    reader = _reader(path)
    with _reading(path):
        raw = reader(path, context)
    if context.ranges and reader is not read_images:
        cause = f"it is for generated samples and images, and {path.name} holds neither"
        raise ParityGateError("PG201", "--range", cause, "Leave it out.")
    return raw, str(path)


def read_example(path: Path) -> Feed | None:
    """The first sample as the file has it, for a model that doesn't declare its inputs; None for images.

    The size and layout of an image depend on the model's input. Raises ParityGateError PG202,
    PG203.
    """
    if not _is_job(path) and _reader(path) is read_images:
        return None
    return read_samples(path, None).feeds[0]


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """A damaged file can make a library raise anything; readers turn what they know into sentences of their own."""
    try:
        yield
    except (ParityGateError, MemoryError):
        raise
    except Exception as error:
        cause = f"it can't be read; it may be damaged: {type(error).__name__}: {str(error)[:300]}"
        raise unreadable(path, cause) from error


def _is_job(path: Path) -> bool:
    if path.suffix.lower() != ".npz" or not path.is_file():
        return False
    check_archive(path)
    with _reading(path):
        return is_job_file(path)


def _is_given(path: Path) -> bool:
    if not _is_job(path):
        return False
    with _reading(path):
        return is_given(path)


def _batched(raw: RawSamples, path: Path, signature: Signature | None, batch: int | None, origin: str) -> Samples:
    items: list[Sample] = []
    notes = list(raw.notes)
    for label, feed in raw.feeds.items():
        if not feed:
            raise unreadable(path, "it holds no arrays", "An empty comparison would prove nothing.")
        if raw.whole or signature is None:
            items.append(Sample(label, dict(feed)))
            continue
        check_names(feed, signature)
        part, remarks = split_into_batches(feed, signature, batch, prefix=f"{label}: " if len(raw.feeds) > 1 else "")
        items += part
        notes += remarks
    return Samples(tuple(items), origin, None, tuple(notes))


def _as_one_batch(samples: Samples, raw: RawSamples, signature: Signature) -> Iterator[Sample]:
    """All rows of a file at once: code may be made for the batches that it was tried with."""
    if len(raw.feeds) != 1 or len(samples.items) < 2 or any(sample.batch is None for sample in samples.items):
        return
    (feed,) = raw.feeds.values()
    rows = sum(sample.batch or 0 for sample in samples.items)
    low, high = bounds_of_batch(signature)
    if low <= rows <= high and sum(array.size for array in feed.values()) <= _MOST_ELEMENTS:
        yield Sample(f"all {rows} rows as one batch", dict(feed), SampleKind.BATCH, rows, optional=True)


def _reader(path: Path) -> Reader:
    if not path.exists():
        raise ParityGateError("PG202", str(path), "there is no such file or folder")
    if path.is_dir():
        if is_onnx_data(path):
            return read_onnx_data
        if image_files(path):
            return read_images
        raise unreadable(path, "the folder holds neither images nor input_0.pb nor test_data_set_0")
    if not path.is_file():  # reading a FIFO would never end
        raise ParityGateError("PG202", str(path), "it is neither a regular file nor a folder")
    format = _BY_SUFFIX.get(path.suffix.lower())
    check_bytes(path, path.stat().st_size)
    if format is None:
        raise unreadable(
            path,
            f"'{path.suffix}' is not a sample format",
            f"Supported: {', '.join(SUFFIXES)}, or a folder.",
        )
    return reader_of(format)


def reader_of(format: SampleFormat) -> Reader:
    """The function that reads a format."""
    module, _, name = format.reader.partition(".")
    reader: Reader = getattr(importlib.import_module(f"{__package__}.formats.{module}"), name)
    return reader
