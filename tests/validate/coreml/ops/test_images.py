"""Operators that resize, crop and resample images, against PyTorch and numpy."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from draws import RANDOM, check, draw
from torch.nn import functional as F


def points(mode: str, length: int, count: int) -> np.ndarray:
    """The docstring of resize_bilinear."""
    i = np.arange(count)
    aligned = i * (length - 1) / max(count - 1, 1)
    grids = {
        "STRICT_ALIGN_CORNERS": aligned,
        "ALIGN_CORNERS": aligned if count > 1 else np.array([(length - 1) / 2]),
        "DEFAULT": i * length / count,
        "OFFSET_CORNERS": (i + 0.5) * max(1, length - 1) / count,
        "UNALIGN_CORNERS": (i + 0.5) * length / count - 0.5,
    }
    return np.clip(grids[mode], 0, length - 1)


def interpolated(x: np.ndarray, axis: int, at: np.ndarray) -> np.ndarray:
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, x.shape[axis] - 1)
    part = (at - low).reshape([-1] + [1] * (-axis - 1))
    return np.take(x, low, axis) * (1 - part) + np.take(x, high, axis) * part


SAMPLING = ["STRICT_ALIGN_CORNERS", "ALIGN_CORNERS", "DEFAULT", "OFFSET_CORNERS", "UNALIGN_CORNERS"]


@pytest.mark.parametrize(("mode", "size"), list(product(SAMPLING, [(1, 1), (5, 4), (3, 9), (7, 1), (11, 13)])))
def test_bilinear_resizing(mode: str, size: tuple[int, int]):
    x = draw(2, 3, 5, 4)
    wanted = interpolated(interpolated(x, -2, points(mode, 5, size[0])), -1, points(mode, 4, size[1]))
    arguments = {"x": x, "target_size_height": size[0], "target_size_width": size[1], "sampling_mode": mode}
    check("resize_bilinear", arguments, 15, wanted.astype(np.float32))
    shape = {"x": x, "shape": [1, *size], "resized_dims": 2, "sampling_mode": mode}
    check("resize", shape, 17, wanted.astype(np.float32))


@pytest.mark.parametrize(("factor", "aligned"), list(product([2, 1.5, 0.7], [False, True])))
def test_upsampling(factor: float, aligned: bool):
    x = draw(1, 2, 5, 10)
    image = torch.from_numpy(x)
    scales = {"x": x, "scale_factor_height": factor, "scale_factor_width": factor}
    size = [int(n * factor) for n in (5, 10)]
    wanted = F.interpolate(image, size, mode="bilinear", align_corners=aligned)
    check("upsample_bilinear", {**scales, "align_corners": aligned}, 15, wanted)
    check("upsample_nearest_neighbor", scales, 15, F.interpolate(image, size, mode="nearest"))


@pytest.mark.parametrize("size", [3, 7, 10, 49])
def test_nearest_resizing_counts_from_pixel_centres(size: int):
    x = draw(1, 1, 1, 7)
    wanted = F.interpolate(torch.from_numpy(x), [1, size], mode="nearest-exact")
    target = {"target_size_height": 1, "target_size_width": size}
    check("resize_nearest_neighbor", {"x": x, **target}, 15, wanted)
    shape = {"x": x, "shape": [0, size], "resized_dims": 2, "interpolation_mode": "NEAREST_NEIGHBOR"}
    check("resize", shape, 17, wanted)


@pytest.mark.parametrize(
    ("mode", "padding", "aligned"),
    [
        *product(["bilinear", "nearest"], ["constant", "border"], [False, True]),
        *product(["bilinear", "nearest"], ["reflection"], [True]),
        *product(["bilinear", "nearest"], ["symmetric"], [False]),
    ],
)
def test_resampling(mode: str, padding: str, aligned: bool):
    x, grid = draw(2, 3, 5, 4), RANDOM.uniform(-1.7, 1.7, (2, 6, 3, 2)).astype(np.float32)
    names = {"constant": "zeros", "symmetric": "reflection"}
    wanted = F.grid_sample(
        torch.from_numpy(x), torch.from_numpy(grid), mode, names.get(padding, padding), aligned
    )  # fmt: skip
    last = np.array([3, 4], np.float32)
    unit = (grid + 1) / 2
    spellings = {
        "normalized_minus_one_to_one": grid,
        "normalized_zero_to_one": unit,
        "unnormalized": unit * last if aligned else unit * (last + 1) - 0.5,
    }
    for coordinates_mode, coordinates in spellings.items():
        arguments = {
            "x": x, "coordinates": coordinates, "sampling_mode": mode, "padding_mode": padding, "padding_value": 0.0,
            "coordinates_mode": coordinates_mode, "align_corners": aligned,
        }  # fmt: skip
        check("resample", arguments, 15, wanted, computed=("x", "coordinates"), atol=1e-4)


@pytest.mark.parametrize(("padding", "aligned"), [("reflection", True), ("symmetric", False)])
def test_ties_are_mirrored_before_they_are_rounded(padding: str, aligned: bool):
    """As in PyTorch, and in Apple's test, where a symmetric image of width 2 shows pixel 0 at position 6.5."""
    span = np.array([4, 1], np.float32)  # a power of two, so that PyTorch's coordinates are exact
    x, columns = draw(1, 1, 1, 4 + aligned), np.arange(-19, 20, dtype=np.float32) / 2
    points = np.stack([columns, np.zeros_like(columns)], axis=-1)[None, None]
    grid = 2 * (points + (0 if aligned else 0.5)) / span - 1
    wanted = F.grid_sample(torch.from_numpy(x), torch.from_numpy(grid), "nearest", "reflection", aligned)
    arguments = {
        "x": x, "coordinates": points, "sampling_mode": "nearest", "padding_mode": padding, "padding_value": 0.0,
        "coordinates_mode": "unnormalized", "align_corners": aligned,
    }  # fmt: skip
    check("resample", arguments, 15, wanted, computed=("x", "coordinates"))


def boxed(x: np.ndarray, box: list[float], mode: str, size: int, pad: float) -> np.ndarray:
    """``x`` (C, H, W) at points distributed over the box [top, left, bottom, right]."""
    rows, columns = (
        spread(mode, *span, size) for span in ((box[0], box[2]), (box[1], box[3]))
    )  # fmt: skip
    height, width = x.shape[-2:]
    values = interpolated(interpolated(x, -2, np.clip(rows, 0, height - 1)), -1, np.clip(columns, 0, width - 1))
    inside = ((rows >= 0) & (rows <= height - 1))[:, None] & ((columns >= 0) & (columns <= width - 1))
    return np.where(inside, values, pad).astype(np.float32)


def spread(mode: str, start: float, end: float, count: int) -> np.ndarray:
    """The grid of resize_bilinear over an interval of end - start + 1 pixels."""
    i, span = np.arange(count), end - start
    aligned = i / max(count - 1, 1) * span
    grids = {
        "STRICT_ALIGN_CORNERS": aligned,
        "ALIGN_CORNERS": aligned if count > 1 else np.array([span / 2]),
        "DEFAULT": i * (span + 1) / count,
        "OFFSET_CORNERS": (i + 0.5) * max(1, span) / count,
        "UNALIGN_CORNERS": np.maximum((i + 0.5) * (span + 1) / count - 0.5, 0),
    }
    return np.minimum(start + grids[mode], end)


FORMATS = {
    "CORNERS_HEIGHT_FIRST": lambda top, left, low, right: [top, left, low, right],
    "CORNERS_WIDTH_FIRST": lambda top, left, low, right: [left, top, right, low],
    "CENTER_SIZE_HEIGHT_FIRST": lambda top, left, low, right: [
        (top + low) / 2, (left + right) / 2, low - top, right - left
    ],
    "CENTER_SIZE_WIDTH_FIRST": lambda top, left, low, right: [
        (left + right) / 2, (top + low) / 2, right - left, low - top
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("mode", "size", "form"),
    [(m, s, "CORNERS_HEIGHT_FIRST") for m in SAMPLING for s in (1, 3)] + [("DEFAULT", 2, f) for f in FORMATS],
)
def test_crop_resize(mode: str, size: int, form: str):
    x = draw(2, 3, 6, 7)
    boxes = [[0.5, 1.0, 3.0, 4.5], [1.25, 2.0, 8.0, 5.0]]
    given = np.array([FORMATS[form](*box) for box in boxes], np.float32)
    settings = {"target_height": size, "target_width": size, "box_coordinate_mode": form, "sampling_mode": mode}
    wanted = np.stack([boxed(x[i], box, mode, size, 9.0) for i, box in zip((1, 0), boxes, strict=True)])
    arguments = {"x": x, "boxes": given, "box_indices": np.array([1, 0], np.int32), "pad_value": 9.0, **settings}
    check("crop_resize", arguments, 17, wanted, computed=("x", "boxes"))
    normalised = given / np.array([5, 6, 5, 6] if "HEIGHT" in form else [6, 5, 6, 5], np.float32)
    check("crop_resize", {**arguments, "boxes": normalised, "normalized_coordinates": True}, 17, wanted, atol=1e-4)
    everywhere = np.stack([[boxed(image, box, mode, size, 0.0) for image in x] for box in boxes])
    roi = {"x": x, "roi": given.reshape(2, 1, 4, 1, 1) * 2, "spatial_scale": 0.5, **settings}
    check("crop_resize", roi, 15, everywhere, computed=("x", "roi"))
    indexed = np.concatenate([[[1.0], [0.0]], given], 1).astype(np.float32).reshape(2, 1, 5, 1, 1)
    chosen = np.stack([boxed(x[i], box, mode, size, 0.0) for i, box in zip((1, 0), boxes, strict=True)])[:, None]
    check("crop_resize", {"x": x, "roi": indexed, **settings}, 15, chosen, computed=("x", "roi"))


def test_affine_agrees_with_pytorch():
    x, matrix = draw(2, 3, 5, 4), draw(2, 6)
    grid = F.affine_grid(torch.from_numpy(matrix).reshape(2, 2, 3), [2, 3, 6, 7], align_corners=True)
    arguments = {
        "x": x, "transform_matrix": matrix, "output_height": 6, "output_width": 7, "sampling_mode": "bilinear",
        "padding_mode": "constant", "padding_value": 0.0, "coordinates_mode": "normalized_minus_one_to_one",
        "align_corners": True,
    }  # fmt: skip
    wanted = F.grid_sample(torch.from_numpy(x), grid, align_corners=True)
    check("affine", arguments, 15, wanted, computed=("x", "transform_matrix"))
