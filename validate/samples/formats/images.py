"""A folder of images for one input of a model: resized, in its layout and dtype."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ParityGateError
from ...sample_formats import IMAGES
from ..domain import domain_of, numpy_dtype
from .base import RawSamples, ReadContext, package_missing, unreadable
from .bounds import MOST_PIXELS
from .links import own_file

if TYPE_CHECKING:
    from ...signature import Array, Dim, TensorSpec

_FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "GIF", "TIFF")
"""Pillow's names of these formats. Pillow goes by the content of a file, and would run Ghostscript for EPS."""

_MODES = {1: "L", 3: "RGB", 4: "RGBA"}  # channels -> Pillow's mode
_NARROW = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB", "HSV")


@dataclass(frozen=True, slots=True)
class _ImageLayout:
    """How the model takes an image; ``height`` and ``width`` are None where it takes any."""

    height: int | None
    width: int | None
    channels: int
    axis: int | None  # the axis of the channels in a batch: 1 or 3; None for grey images without one


def image_files(path: Path) -> list[Path]:
    """The image itself, or all images in the folder and below, by name. Raises PG502 for a link out of the folder."""
    if not path.is_dir():
        return [path]
    found = (file for file in path.rglob("*") if file.suffix.lower() in IMAGES.suffixes and file.is_file())
    return sorted(own_file(file, path) for file in found)


def read_images(path: Path, context: ReadContext) -> RawSamples:
    """One batch of all images, or one per run of equal sizes where the model takes any size.

    8-bit pixels are mapped to 0..1 for floating inputs, -128..127 for int8, 0..255 for other integers, or to the
    range that the context has for the input. Raises ParityGateError PG203, PG204, PG206, PG502.
    """
    spec = _image_input(path, context)
    layout = _layout_of(spec)
    low, high = _range(spec, context)
    images = (_scaled(_pixels(file, layout), low, high, numpy_dtype(spec)) for file in image_files(path))
    batches = [np.stack(list(group)) for _, group in itertools.groupby(images, key=np.shape)]
    labels = [path.name] if len(batches) == 1 else [f"{path.name}, size {number}" for number in range(len(batches))]
    feeds = {label: {spec.name: _arrange(batch, layout)} for label, batch in zip(labels, batches, strict=True)}
    return RawSamples(feeds, notes=(_note(spec, layout, low, high),))


def _image_input(path: Path, context: ReadContext) -> TensorSpec:
    if context.signature is None:
        raise ParityGateError(
            "PG206", str(path), "the model doesn't declare which images it takes", "Declare its input with --input."
        )
    if len(context.inputs) != 1:
        raise ParityGateError(
            "PG204", str(path), f"images feed one input, the model has {len(context.inputs)}", "Provide an .npz."
        )
    return context.inputs[0]


def _layout_of(spec: TensorSpec) -> _ImageLayout:
    """The layout of ``spec``: the channels are the axis of length 1, 3 or 4."""
    dims = spec.shape or ()
    if len(dims) == 3 and (isinstance(dims[0], str) or dims[0] == 1) and dims[2] not in _MODES:
        return _ImageLayout(_fixed(dims[1]), _fixed(dims[2]), 1, None)
    if len(dims) == 4:
        candidates = [axis for axis in (1, 3) if dims[axis] in _MODES]
        if len(candidates) == 1:
            axis = candidates[0]
            height, width = (dims[2], dims[3]) if axis == 1 else (dims[1], dims[2])
            return _ImageLayout(_fixed(height), _fixed(width), int(dims[axis]), axis)
    raise ParityGateError(
        "PG204",
        f"input '{spec.name}'",
        f"images don't fit {spec}: expected batch, height and width, or one axis of 1, 3 or 4 channels",
        "Provide the samples as an .npz.",
    )


def _fixed(dim: Dim) -> int | None:
    return dim if isinstance(dim, int) else None


def _range(spec: TensorSpec, context: ReadContext) -> tuple[float, float]:
    """The values of black and white: the user's range, which the dtype must be able to hold, or the dtype's own."""
    given = context.ranges.get(spec.name)
    dtype = numpy_dtype(spec)
    if dtype.kind not in "iuf":
        raise ParityGateError("PG204", f"input '{spec.name}'", f"it takes {spec.dtype}, images are numbers")
    for name in context.ranges:
        if name != spec.name:
            raise ParityGateError(
                "PG201", f"the range of '{name}'", "the model has no such input", f"It has: {spec.name}"
            )
    if given:
        domain_of(spec, None, given)
        return given
    if dtype.kind == "f":
        return (0, 1)
    return (-128, 127) if dtype == np.int8 else (0, 255)


def _pixels(file: Path, layout: _ImageLayout) -> Array:
    """The image as uint8 (height, width, channels), resized (bilinear) where the model has a fixed size."""
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        raise package_missing(file, "Pillow") from error
    try:
        with Image.open(file, formats=_FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise unreadable(file, f"it has {image.width} x {image.height} pixels", "Provide a smaller image.")
            if image.mode not in _NARROW:
                raise unreadable(file, f"its pixels have more than 8 bits (mode {image.mode})", "Provide an .npz.")
            picture: Any = image.convert(_MODES[layout.channels])
    except (OSError, EOFError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise unreadable(file, f"Pillow can't read it: {error}") from error
    size = (layout.width or picture.width, layout.height or picture.height)
    resized = picture if picture.size == size else picture.resize(size, Image.Resampling.BILINEAR)
    return np.asarray(resized, dtype=np.uint8).reshape(size[1], size[0], layout.channels)


def _scaled(pixels: Array, low: float, high: float, dtype: np.dtype[Any]) -> Array:
    """Map 0 to ``low`` and 255 to ``high``; integers are rounded."""
    if (low, high) == (0, 255):
        return pixels.astype(dtype)
    values = low + pixels.astype(np.float64) * ((high - low) / 255)
    return (np.rint(values) if dtype.kind in "iu" else values).astype(dtype)


def _arrange(batch: Array, layout: _ImageLayout) -> Array:
    if layout.axis is None:
        return batch[..., 0]
    return np.ascontiguousarray(batch.transpose(0, 3, 1, 2)) if layout.axis == 1 else batch


def _note(spec: TensorSpec, layout: _ImageLayout, low: float, high: float) -> str:
    size = f", resized to {layout.width} x {layout.height} pixels" if layout.width and layout.height else ""
    mode = _MODES[layout.channels]
    return f"images were read as {mode} pixels from {low:g} to {high:g}{size}; --range {spec.name}:LO:HI changes that"
