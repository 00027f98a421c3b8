"""Samples from the user's own files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from .types import Samples

if TYPE_CHECKING:
    from ..signature import Signature


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
    raise NotImplementedError
