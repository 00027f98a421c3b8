"""The samples whose outputs are furthest off, with their inputs, in a form that can be looked at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...report.charts import Look, Shown, WorstSample, pack
from ...samples.types import Sample
from .values import Values, rounded, storable

if TYPE_CHECKING:
    from ...signature import Array

MOST_SAMPLES = 3
"""Of each output."""

_MOST_INPUTS = 4
_MOST_VALUES = 1_024
_ROW = 32
_SIDE = 64
_CHANNELS = (1, 3, 4)
_SMALLEST_IMAGE = 4


def worst_samples(values: Values, samples: Sequence[Sample], numbers: Sequence[int]) -> tuple[WorstSample, ...]:
    """Of each sample the worst row; of these the worst few. ``numbers`` count the samples as the report does."""
    found = []
    for at, sample in enumerate(samples):
        ratio = values.ratio(at)
        if ratio.size and float(ratio.max()) > 0:
            found.append((-float(ratio.max()), at, _row(ratio, sample)))
    found.sort(key=lambda each: each[:2])
    return tuple(
        _shown_sample(values, samples[at], at, numbers[at], row, -negative)
        for negative, at, row in found[:MOST_SAMPLES]
    )


def _row(ratio: Array, sample: Sample) -> int | None:
    """The batch's row with the worst element; None where the output has no row for each of the batch's."""
    if not sample.batch or not ratio.ndim or ratio.shape[0] != sample.batch:
        return None
    return int(ratio.reshape(len(ratio), -1).max(axis=1).argmax())


def _shown_sample(values: Values, sample: Sample, at: int, number: int, row: int | None, ratio: float) -> WorstSample:
    numeric = {name: np.asarray(array) for name, array in sample.feed.items() if np.asarray(array).dtype.kind in "biuf"}
    inputs = tuple(shown(name, _of_row(array, row)) for name, array in list(numeric.items())[:_MOST_INPUTS])
    worst = int(_of_row(values.ratio(at), row).argmax())
    sides = (
        shown(name, _of_row(array[at], row), worst)
        for name, array in (("reference", values.want), ("candidate", values.got))
    )
    return WorstSample(number, row, sample.label, rounded(ratio) if np.isfinite(ratio) else None, inputs, *sides)


def _of_row(array: Array, row: int | None) -> Array:
    return array if row is None or not array.ndim or row >= len(array) else array[row]


def shown(name: str, array: Array, worst: int = 0) -> Shown:
    """An array as an image, a waveform or a row of numbers, capped so that element ``worst`` of all is kept."""
    image = _as_image(array)
    if image is not None:
        kept = _thinned(image, _pixel(array.shape, worst))
        return Shown(name, Look.IMAGE, array.shape, kept.shape, pack(storable(kept)))
    start = max(0, min(worst - _MOST_VALUES // 2, array.size - _MOST_VALUES))
    flat = array.reshape(-1)[start : start + _MOST_VALUES]
    look = Look.WAVE if flat.size > _ROW else Look.ROW
    return Shown(name, look, array.shape, flat.shape, pack(storable(flat)), start)


def _pixel(shape: tuple[int, ...], place: int) -> tuple[int, int]:
    """Row and column in the image of the element at this place of the array."""
    places = _as_image(np.arange(math.prod(shape)).reshape(shape))
    row, column, _ = np.argwhere(places == place)[0]
    return int(row), int(column)


def _thinned(image: Array, pixel: tuple[int, int]) -> Array:
    """Every so many rows and columns, this pixel's among them."""
    step = -(-max(image.shape[:2]) // _SIDE)
    return image[pixel[0] % step :: step, pixel[1] % step :: step]


def _as_image(array: Array) -> Array | None:
    """Height, width, channels: of what has one, three or four channels first or last, and is no line."""
    while array.ndim > 3 and array.shape[0] == 1:
        array = array[0]
    if array.ndim != 3:
        return None
    if array.shape[-1] not in _CHANNELS and array.shape[0] in _CHANNELS:
        array = np.moveaxis(array, 0, -1)
    fits = array.shape[-1] in _CHANNELS and min(array.shape[:2]) >= _SMALLEST_IMAGE
    return array if fits else None
