"""Inputs that are images in the candidate: pixels, and the sample values that pixels can represent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ParityGateError
from ..signature import ImageInput, Signature, TensorSpec

if TYPE_CHECKING:
    from ..samples import Samples
    from ..signature import Array, Feed

WHITE = 255
_RANK = 4  # batch, height, width and channels in one order or another


def resolved(images: Mapping[str, ImageInput], signature: Signature) -> dict[str, ImageInput]:
    """The images with the position of their channel axis, which the shapes of their inputs tell.

    Raises ParityGateError PG201 for an image that is not an input, or whose input doesn't fit its layout.
    """
    specs = {spec.name: spec for spec in signature.inputs}
    return {name: _resolved(name, image, specs.get(name)) for name, image in images.items()}


def _resolved(name: str, image: ImageInput, spec: TensorSpec | None) -> ImageInput:
    channels = 1 if image.layout == "GRAY" else 3
    if spec is None:
        raise ParityGateError("PG201", name, "the model has no such input")
    shape = spec.shape or ()
    if len(shape) == _RANK and channels in (shape[1], shape[-1]) and len(image.bias) in (1, channels):
        return replace(image, channels_last=shape[1] != channels)
    raise ParityGateError(
        "PG201",
        name,
        f"an image in {image.layout} has {channels} channels, and either one bias or one for each; {spec} doesn't fit",
    )


def value_range(image: ImageInput) -> tuple[float, float]:
    """The lowest and the highest value that a pixel can represent."""
    ends = [image.scale * pixel + bias for pixel in (0, WHITE) for bias in image.bias]
    return min(ends), max(ends)


def to_pixels(array: Array, image: ImageInput) -> Array:
    """The pixels nearest to ``array``, as float32 of shape (..., C, H, W).

    Takes (..., C, H, W), or (..., H, W, C) for an image with ``channels_last``.
    """
    planes = np.moveaxis(array, -1, -3) if image.channels_last else array
    return np.clip(np.rint((planes - _bias(image)) / image.scale), 0, WHITE).astype(np.float32)


def from_pixels(pixels: Array, image: ImageInput, dtype: np.dtype[np.generic]) -> Array:
    """The values that ``pixels`` represent, in the source's layout."""
    planes = (pixels * np.float32(image.scale) + _bias(image)).astype(dtype)
    return np.moveaxis(planes, -3, -1) if image.channels_last else planes


def on_pixels(samples: Samples, images: Mapping[str, ImageInput]) -> Samples:
    """The samples, each image rounded to the nearest values that pixels can represent."""
    items = tuple(replace(sample, feed=snapped(sample.feed, images)) for sample in samples.items)
    return replace(samples, items=items)


def snapped(feed: Feed, images: Mapping[str, ImageInput]) -> Feed:
    """The feed, each image rounded to the nearest values that pixels can represent."""
    pixels = {name: to_pixels(feed[name], image) for name, image in images.items()}
    return {**feed, **{name: from_pixels(pixels[name], images[name], feed[name].dtype) for name in images}}


def _bias(image: ImageInput) -> Array:
    return np.asarray(image.bias, np.float32).reshape(-1, 1, 1)
