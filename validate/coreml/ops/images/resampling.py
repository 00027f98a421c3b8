"""Images sampled at computed points (coremltools has these among the image resizing operators)."""

from __future__ import annotations

import numpy as np

from ...bind import Op, lowers
from ...errors import unsupported
from ...graph import Graph, Tensor
from .image_resizing import last_index

MODES = {"bilinear": "linear", "nearest": "nearest"}
PADDINGS = {"constant": "zeros", "border": "border", "reflection": "reflection", "symmetric": "reflection"}
"""ONNX's names. Its reflection repeats the edge if, and only if, corners are not aligned."""
FOLDS = {"reflection": 0.0, "symmetric": 0.5}
"""The distance of the mirror axis from the centres of the edge pixels."""
SIGNED, UNIT, PIXELS = "normalized_minus_one_to_one", "normalized_zero_to_one", "unnormalized"


@lowers("affine")
def affine(
    g: Graph, op: Op, *, x: Tensor, transform_matrix: Tensor, output_height: int, output_width: int,
    sampling_mode: str, padding_mode: str, padding_value: float, coordinates_mode: str, align_corners: bool,
) -> Tensor:  # fmt: skip
    """The image at (a0 x + a1 y + a2, b0 x + b1 y + b2) for each point (x, y) of the output."""
    modes = (sampling_mode.lower(), padding_mode.lower(), coordinates_mode.lower())
    if modes != ("bilinear", "constant", SIGNED) or not align_corners or padding_value:
        raise unsupported(str(op), f"only bilinear sampling of {SIGNED} aligned corners and zeros is documented")
    across, down = (np.linspace(-1, 1, n) for n in (output_width, output_height))
    columns, rows = np.meshgrid(across, down)
    points = g.const(np.stack([columns, rows, np.ones_like(rows)]).reshape(3, -1), "float32")
    matrices = g.reshape(transform_matrix, [-1, 2, 3])
    moved = g.transpose(g.op("MatMul", matrices, points), (0, 2, 1))
    grid = g.reshape(moved, [-1, output_height, output_width, 2])
    shared = g.op("Expand", grid, g.vector([g.dim(x, 0), 1, 1, 1]))
    return g.op("GridSample", x, shared, mode="linear", padding_mode="zeros", align_corners=1)


@lowers("resample")
def resample(
    g: Graph, op: Op, *, x: Tensor, coordinates: Tensor, sampling_mode: str, padding_mode: str, padding_value: float,
    coordinates_mode: str, align_corners: bool,
) -> Tensor:  # fmt: skip
    """The image at the points (x, y) in the last axis of ``coordinates``."""
    for given, known in ((sampling_mode, MODES), (padding_mode, PADDINGS), (coordinates_mode, (SIGNED, UNIT, PIXELS))):
        if given not in known:
            raise unsupported(str(op), f"mode '{given}' is not one of {', '.join(known)}")
    points = g.cast(coordinates, "float32")
    if sampling_mode == "nearest" and padding_mode in FOLDS:
        points = _folded(g, _in_pixels(g, x, points, coordinates_mode, align_corners), x, FOLDS[padding_mode])
        coordinates_mode, padding_mode = PIXELS, "border"
    aligned = {"reflection": True, "symmetric": False}.get(padding_mode, align_corners and coordinates_mode == SIGNED)
    if coordinates_mode != SIGNED or aligned != align_corners:
        points = _normalised(g, _in_pixels(g, x, points, coordinates_mode, align_corners), x, aligned)
    filled = padding_value if padding_mode == "constant" else 0.0
    image = g.op("Sub", x, g.like(filled, x)) if filled else x
    sampled = g.op(
        "GridSample", image, points, mode=MODES[sampling_mode], padding_mode=PADDINGS[padding_mode],
        align_corners=int(aligned),
    )  # fmt: skip
    return g.op("Add", sampled, g.like(filled, x)) if filled else sampled


def _in_pixels(g: Graph, x: Tensor, points: Tensor, mode: str, align_corners: bool) -> Tensor:
    """Points as pixel positions, from 0 to length - 1."""
    if mode == PIXELS:
        return points
    half, one = g.const(0.5, "float32"), g.const(1, "float32")
    unit = points if mode == UNIT else g.op("Mul", g.op("Add", points, one), half)
    last = _last(g, x)
    if align_corners:
        return g.op("Mul", unit, last)
    return g.op("Sub", g.op("Mul", unit, g.op("Add", last, one)), half)


def _folded(g: Graph, pixels: Tensor, x: Tensor, beyond: float) -> Tensor:
    """Positions in an infinitely mirrored image as positions in the image. ONNX rounds before mirroring, not after."""
    last, shift = _last(g, x), g.const(beyond, "float32")
    span = g.op("Max", g.op("Add", last, g.const(2 * beyond, "float32")), g.const(1, "float32"))
    turn = g.op("Mod", g.op("Abs", g.op("Add", pixels, shift)), g.op("Add", span, span), fmod=1)
    position = g.op("Sub", g.op("Sub", span, g.op("Abs", g.op("Sub", span, turn))), shift)
    return g.op("Min", g.op("Max", g.op("Round", position), g.const(0, "float32")), last)


def _normalised(g: Graph, pixels: Tensor, x: Tensor, aligned: bool) -> Tensor:
    """Positions in ONNX's range from -1 to 1, which are pixel centres if ``aligned``, else edges."""
    one, two, last = g.const(1, "float32"), g.const(2, "float32"), _last(g, x)
    if aligned:
        return g.op("Sub", g.op("Div", g.op("Mul", pixels, two), g.op("Max", last, one)), one)
    doubled = g.op("Add", g.op("Mul", pixels, two), one)
    return g.op("Sub", g.op("Div", doubled, g.op("Add", last, one)), one)


def _last(g: Graph, x: Tensor) -> Tensor:
    """The greatest column and row."""
    return g.op("Concat", *(last_index(g, g.dim(x, axis)) for axis in (-1, -2)), axis=0)
