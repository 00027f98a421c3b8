"""What the charts of a page are drawn from, per output: capped, frozen, the same for the same run.

Long rows of numbers are packed: base64 of little-endian float32 (:func:`pack`, :func:`unpack`), a tenth of their size
as JSON. Importing this module costs nothing.
"""

from __future__ import annotations

import sys
from array import array
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


def pack(numbers: Iterable[float]) -> str:
    """Base64 of the numbers as little-endian float32."""
    return b64encode(_swapped(array("f", numbers)).tobytes()).decode("ascii")


def unpack(packed: str) -> tuple[float, ...]:
    """The numbers again."""
    numbers = array("f")
    numbers.frombytes(b64decode(packed))
    return tuple(_swapped(numbers))


def _swapped(numbers: array[float]) -> array[float]:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many elements have an error of so much of their allowance.

    Bin ``n`` counts ratios from ``10**(start + n*step)`` to the next edge; what is beyond the outermost bins is in
    them. ``exact`` elements don't differ, ``unbounded`` have no finite ratio. ``floor`` is the median ratio of noise
    floor to allowance, None where no floor was measured.
    """

    start: float
    step: float
    counts: tuple[int, ...]
    exact: int = 0
    unbounded: int = 0
    floor: float | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """One element: sample number, index in that sample's output, both values, and what was allowed."""

    sample: int
    index: tuple[int, ...]
    reference: float
    candidate: float
    error: float
    allowed: float | None = None


@dataclass(frozen=True, slots=True)
class Density:
    """Counts of elements on a square grid of ``bins`` by ``bins`` from ``low`` to ``high`` on both axes.

    ``cells`` holds (column, row, count) of the cells that aren't empty: column along the reference, row along the
    candidate.
    """

    low: float
    high: float
    bins: int
    cells: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Scatter:
    """Drawn elements, ``worst`` on top: ``reference`` and ``difference`` (candidate minus reference) are packed."""

    reference: str
    difference: str
    drawn: int
    elements: int
    worst: tuple[Point, ...] = ()
    density: Density | None = None


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Greatest absolute error over two axes of an output; ``values`` are packed, ``rows`` by ``columns``.

    ``axes`` are the output's axes, ``lengths`` their lengths: a cell stands for a block where these are longer. NaN
    stands where an element has no error: it is finite on one side only.
    """

    axes: tuple[int, int]
    lengths: tuple[int, int]
    rows: int
    columns: int
    values: str


class Look(StrEnum):
    """How an array is shown."""

    IMAGE = "image"
    WAVE = "wave"
    ROW = "row"


@dataclass(frozen=True, slots=True)
class Shown:
    """One array, capped: ``values`` are packed in the shape ``kept`` (height, width, channels for an image).

    ``start`` is the place of the first value among all of the array's, 0 for an image.
    """

    name: str
    look: Look
    shape: tuple[int, ...]
    kept: tuple[int, ...]
    values: str
    start: int = 0


@dataclass(frozen=True, slots=True)
class WorstSample:
    """A row of a sample whose greatest error takes most of its allowance.

    ``ratio`` is how many times the allowance, None without one. ``row`` is None where all of the sample is shown.
    """

    sample: int
    row: int | None
    label: str
    ratio: float | None
    inputs: tuple[Shown, ...]
    reference: Shown
    candidate: Shown


@dataclass(frozen=True, slots=True)
class Flip:
    """How many rows have the class ``reference`` in the one model and ``candidate`` in the other."""

    reference: str
    candidate: str
    count: int


@dataclass(frozen=True, slots=True)
class Flips:
    """Classes that differ: the commonest pairs, and drawn rows' margins against their errors.

    ``margins`` (the reference's best score less its second best) and ``errors`` (the row's greatest) are packed;
    ``flipped`` and ``ties`` are positions in them. Flipped rows are drawn before others.
    """

    rows: int
    pairs: tuple[Flip, ...] = ()
    margins: str = ""
    errors: str = ""
    flipped: tuple[int, ...] = ()
    ties: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class OutputCharts:
    """All charts of one output.

    ``error`` is the greatest absolute error. ``allowance`` and ``floor`` are quantiles (:data:`QUANTILES`) over drawn
    elements; empty where there are none. ``not_finite`` elements have no error: they are finite on one side only, or
    infinite on both with other signs.
    """

    name: str
    elements: int
    error: float | None = None
    allowance: tuple[float, ...] = ()
    floor: tuple[float, ...] = ()
    histogram: Histogram | None = None
    scatter: Scatter | None = None
    heat: HeatMap | None = None
    samples: tuple[WorstSample, ...] = ()
    flips: Flips | None = None
    not_finite: int = 0


QUANTILES = (0.05, 0.5, 0.95)
"""Of :attr:`OutputCharts.allowance` and :attr:`OutputCharts.floor`."""
