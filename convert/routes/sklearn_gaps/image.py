"""Patches of images."""

from __future__ import annotations

from typing import Any

import numpy as np

from .declare import Conversion, Output, declare
from .values import Value


def register() -> None:
    """Register this module's converters."""
    from sklearn.feature_extraction.image import PatchExtractor

    declare(PatchExtractor, patch_extractor, lambda model: [Output("variable", (None, None))])


def patch_extractor(g: Conversion, model: Any) -> Value:
    """All patches of all images, (n * patches, height, width) or with channels behind; images of a fixed size."""
    if model.max_patches is not None:
        raise RuntimeError("PatchExtractor(max_patches=...) draws at random")
    if None in g.extents[1:]:
        raise RuntimeError("PatchExtractor needs images of a declared height and width")
    height, width, *channels = (int(extent or 0) for extent in g.extents[1:])
    rows, columns = model.patch_size or (height // 10, width // 10)
    pixels = np.arange(height * width).reshape(height, width)
    patches = np.lib.stride_tricks.sliding_window_view(pixels, (rows, columns)).reshape(-1)
    flat = g.raw.reshape(0, height * width, *channels)
    return flat.take(patches, axis=1).reshape(-1, rows, columns, *(channels if channels != [1] else []))
