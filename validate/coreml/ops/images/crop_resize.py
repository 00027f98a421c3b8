"""Boxes cropped from images and scaled to one size, bilinearly."""

from __future__ import annotations

from dataclasses import dataclass

from ...bind import Op, lowers
from ...errors import unsupported
from ...graph import Graph, Tensor
from ...shared.sampling import grid, sampled, tent
from .image_resizing import INTERVALS, UNALIGNED, last_index

BOX_FORMATS = (
    "CORNERS_HEIGHT_FIRST",
    "CORNERS_WIDTH_FIRST",
    "CENTER_SIZE_HEIGHT_FIRST",
    "CENTER_SIZE_WIDTH_FIRST",
)


@dataclass(frozen=True, slots=True)
class _Crop:
    """The format of boxes, and the distribution of points over them."""

    target: tuple[int, int]
    normalized: bool
    scale: float
    box_format: str
    sampling: str
    pad_value: float

    def check(self, op: Op) -> None:
        """Raises PG404 for an undocumented mode."""
        if self.box_format not in BOX_FORMATS:
            raise unsupported(
                str(op), f"box_coordinate_mode '{self.box_format}' is not one of {', '.join(BOX_FORMATS)}"
            )
        if self.sampling not in INTERVALS and self.sampling != UNALIGNED:
            raise unsupported(
                str(op), f"sampling_mode '{self.sampling}' is not one of {', '.join((*INTERVALS, UNALIGNED))}"
            )


@lowers("crop_resize")
def crop_resize(
    g: Graph, op: Op, *, x: Tensor, roi: Tensor, target_height: int = 1, target_width: int = 1,
    normalized_coordinates: bool = False, spatial_scale: float = 1.0,
    box_coordinate_mode: str = BOX_FORMATS[0], sampling_mode: str = "DEFAULT", pad_value: float = 0.0,
) -> Tensor:  # fmt: skip
    """Each box of every image; a fifth, leading coordinate selects the image instead."""
    count = (roi.shape or ())[2] or 4
    flat = g.reshape(roi, [-1, count])
    images = g.op("Unsqueeze", x, g.const([0], "int64"))
    if count == 5:
        chosen, flat = g.ops("Split", flat, g.const([1, 4], "int64"), outputs=2, axis=1)
        images = g.op("Gather", x, g.cast(chosen, "int64"))
    crop = _Crop(
        (target_height, target_width), normalized_coordinates, spatial_scale, box_coordinate_mode, sampling_mode,
        pad_value,
    )  # fmt: skip
    crop.check(op)
    return _cropped(g, crop, images, flat)


@lowers("crop_resize", opset=17)
def indexed_crop_resize(
    g: Graph, op: Op, *, x: Tensor, boxes: Tensor, box_indices: Tensor | None = None, target_height: int = 1,
    target_width: int = 1, normalized_coordinates: bool = False, spatial_scale: float = 1.0,
    box_coordinate_mode: str = BOX_FORMATS[0], sampling_mode: str = "DEFAULT", pad_value: float = 0.0,
) -> Tensor:  # fmt: skip
    """Each box of the image in ``box_indices``; by default the i-th box of the i-th image."""
    crop = _Crop(
        (target_height, target_width), normalized_coordinates, spatial_scale, box_coordinate_mode, sampling_mode,
        pad_value,
    )  # fmt: skip
    crop.check(op)
    if box_indices is None:
        count = g.reshape(g.vector([g.dim(boxes, 0)]), [])
        box_indices = g.op("Range", g.const(0, "int64"), count, g.const(1, "int64"))
    return _cropped(g, crop, g.op("Gather", x, box_indices), g.cast(boxes, "float32"))


def _cropped(g: Graph, crop: _Crop, images: Tensor, boxes: Tensor) -> Tensor:
    """``images`` (N or 1, ..., H, W) at ``boxes`` (N, 4): points outside of an image have the padding value."""
    weights, inside = [], []
    for axis, (start, end), target in zip((-2, -1), _edges(g, crop, boxes), crop.target, strict=True):
        length = g.dim(images, axis)
        last = last_index(g, length)
        first, final = (_in_pixels(g, crop, edge, last) for edge in (start, end))
        points = _points(g, crop.sampling, first, final, target, last)
        weights.append(_between(g, tent(g, points, length), images.rank - 3))
        held = g.op("And", g.op("GreaterOrEqual", points, g.like(0, points)), g.op("LessOrEqual", points, last))
        inside.append(_between(g, g.op("Unsqueeze", held, g.const([-axis], "int64")), images.rank - 3))
    return g.op("Where", g.op("And", *inside), sampled(g, images, *weights), g.like(crop.pad_value, images))


def _between(g: Graph, x: Tensor, count: int) -> Tensor:
    """``x`` with ``count`` axes of length 1 after its first."""
    return g.op("Unsqueeze", x, g.const(range(1, 1 + count), "int64"))


def _edges(g: Graph, crop: _Crop, boxes: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """(start, end) of height and width, each of shape (N, 1)."""
    a, b, c, d = g.ops("Split", boxes, outputs=4, axis=1, num_outputs=4)
    if crop.box_format.endswith("WIDTH_FIRST"):
        a, b, c, d = b, a, d, c
    if crop.box_format.startswith("CORNERS"):
        return (a, c), (b, d)
    half = g.const(0.5, "float32")
    reach = [g.op("Mul", size, half) for size in (c, d)]
    (top, bottom), (left, right) = (
        (g.op("Sub", m, r), g.op("Add", m, r)) for m, r in zip((a, b), reach, strict=True)
    )  # fmt: skip
    return (top, bottom), (left, right)


def _in_pixels(g: Graph, crop: _Crop, edge: Tensor, last: Tensor) -> Tensor:
    scaled = edge if crop.scale == 1 else g.op("Mul", edge, g.const(crop.scale, "float32"))
    return g.op("Mul", scaled, last) if crop.normalized else scaled


def _points(g: Graph, mode: str, start: Tensor, end: Tensor, count: int, last: Tensor) -> Tensor:
    """Points along the last axis. An inverted box in UNALIGN_CORNERS covers the whole axis, as in Apple's test."""
    if mode != UNALIGNED:
        return grid(g, start, end, count, INTERVALS[mode])
    inverted = g.op("Less", end, start)
    start = g.op("Where", inverted, g.like(0, start), start)
    end = g.op("Where", inverted, last, end)
    pixels = g.op("Add", g.op("Sub", end, start), g.like(1, start))
    steps = g.const([(i + 0.5) / count for i in range(count)], "float32")
    points = g.op("Add", start, g.op("Sub", g.op("Mul", pixels, steps), g.like(0.5, start)))
    return g.op("Min", g.op("Max", points, start), end)
