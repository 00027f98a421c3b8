"""Operators without value inference: against PyTorch, and compression against coremltools' own decompression."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from masked import coremltools
from oracle import by_lowering, by_value_inference
from torch.nn import functional as F

from paritygate.validate.errors import ParityGateError

RANDOM = np.random.default_rng(0)


def draw(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape).astype(np.float32)


def check(op: str, arguments: dict[str, Any], opset: int, *wanted: Any, computed=("x",), atol: float = 1e-5) -> None:
    expected = [np.asarray(w) for w in wanted]
    for got, want in zip(by_lowering(op, arguments, opset, expected, computed), expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=atol)


POOLS = [
    (n, k, s, p, ceil)
    for n, k, s, p, ceil in product([5, 8], [2, 3], [1, 2, 3], [0, 1], [False, True])
    # coremltools declares a last window of ceil_mode that holds no element; see the test after this one.
    if not (ceil and p == 0 and (-(-(n - k) // s)) * s >= n)
]


@pytest.mark.parametrize(("length", "kernel", "stride", "pad", "ceil"), POOLS)
def test_pools(length: int, kernel: int, stride: int, pad: int, ceil: bool):
    x = draw(1, 2, length, length)
    image = torch.from_numpy(x)
    window = {
        "x": x, "kernel_sizes": [kernel] * 2, "strides": [stride] * 2, "pad_type": "custom", "pad": [pad] * 4,
        "ceil_mode": ceil,
    }  # fmt: skip
    for excluded in (False, True):
        wanted = F.avg_pool2d(image, kernel, stride, pad, ceil, not excluded)
        check("avg_pool", {**window, "exclude_padding_from_average": excluded}, 15, wanted)
    greatest = F.max_pool2d(image, kernel, stride, pad, ceil_mode=ceil)
    check("max_pool", window, 15, greatest)
    # The padded ends hold zeros, which add nothing to a sum of squares.
    wide = F.pad(image**2, [pad, pad + stride + kernel] * 2)
    squares = F.avg_pool2d(wide, kernel, stride)[:, :, : greatest.shape[2], : greatest.shape[3]]
    check("l2_pool", window, 15, torch.sqrt(squares * kernel**2))


def test_a_window_without_elements_is_refused():
    arguments = {"x": draw(1, 1, 6), "kernel_sizes": [2], "strides": [3], "pad_type": "valid", "ceil_mode": True}
    with pytest.raises(ParityGateError, match=r"op 'max_pool' \(iOS15\), node 'tested': .* holds no element"):
        by_lowering("max_pool", arguments, 15, [np.zeros((1, 1, 3), np.float32)], ["x"])


def test_padding_as_long_as_the_window_is_refused():
    window = {"x": draw(1, 2, 5), "kernel_sizes": [2], "pad_type": "custom", "pad": [2, 1]}
    with pytest.raises(ParityGateError, match="its padding is as long as a window"):
        by_lowering("avg_pool", window, 15, [draw(1, 2, 7)], ["x"])


@pytest.mark.parametrize(("rank", "pad_type", "stride"), list(product([1, 2, 3], ["same", "same_lower"], [1, 2, 4])))
def test_same_pools(rank: int, pad_type: str, stride: int):
    x = draw(1, 2, *[7] * rank)
    total = max(0, (-(-7 // stride) - 1) * stride + 2 - 7)
    halves = (total // 2, total - total // 2)
    begin, end = halves if pad_type == "same" else halves[::-1]
    padded = F.pad(torch.from_numpy(x), [begin, end] * rank, value=-torch.inf)
    wanted = getattr(F, f"max_pool{rank}d")(padded, 2, stride)
    window = {"x": x, "kernel_sizes": [2] * rank, "strides": [stride] * rank, "pad_type": pad_type}
    check("max_pool", window, 16, wanted)


SEQUENCE = draw(4, 3, 2)
HIDDEN = 5


def gates(weights: torch.Tensor, order: tuple[int, ...]) -> np.ndarray:
    parts = np.split(weights.detach().numpy(), len(order))
    return np.concatenate([parts[i] for i in order])


def flat(state: torch.Tensor) -> np.ndarray:
    return np.concatenate(list(state.detach().numpy()), -1)


@pytest.mark.parametrize(
    ("both", "whole", "clip"), list(product([False, True], [False, True], [None, 100.0]))
)  # fmt: skip
def test_lstm(both: bool, whole: bool, clip: float | None):
    network = torch.nn.LSTM(2, HIDDEN, bidirectional=both)
    h, c = draw(1 + both, 3, HIDDEN), draw(1 + both, 3, HIDDEN)
    y, (last, cell) = network(torch.from_numpy(SEQUENCE), (torch.from_numpy(h), torch.from_numpy(c)))
    arguments = {
        "x": SEQUENCE, "initial_h": flat(torch.from_numpy(h)), "initial_c": flat(torch.from_numpy(c)),
        "direction": "bidirectional" if both else "forward", "output_sequence": whole,
    }  # fmt: skip
    for suffix, own in (("", ""), ("_back", "_reverse"))[: 1 + both]:
        order = (0, 1, 3, 2)
        arguments[f"weight_ih{suffix}"] = gates(getattr(network, f"weight_ih_l0{own}"), order)
        arguments[f"weight_hh{suffix}"] = gates(getattr(network, f"weight_hh_l0{own}"), order)
        biases = (getattr(network, f"bias_{kind}_l0{own}") for kind in ("ih", "hh"))
        arguments[f"bias{suffix}"] = sum(gates(b, order) for b in biases)
    if clip:
        arguments["clip"] = clip
    wanted = y.detach() if whole else flat(last)[None]
    check("lstm", arguments, 17, wanted, flat(last), flat(cell), computed=("x", "initial_h", "initial_c"))


ACTIVATIONS = {
    "tanh": np.tanh,
    "scaled_tanh": np.tanh,
    "relu": lambda v: np.maximum(v, 0),
    "sigmoid": lambda v: 1 / (1 + np.exp(-v)),
    "hard_sigmoid": lambda v: np.clip(0.2 * v + 0.5, 0, 1),
    "linear": lambda v: v,
}


@pytest.mark.parametrize(
    ("inner", "cell", "outer", "clip", "direction"),
    [
        ("sigmoid", "tanh", "relu", None, "forward"),
        ("hard_sigmoid", "scaled_tanh", "linear", None, "reverse"),
        ("hard_sigmoid", "relu", "scaled_tanh", 0.3, "forward"),
        ("sigmoid", "linear", "hard_sigmoid", 0.1, "reverse"),
        ("tanh", "sigmoid", "tanh", 0.2, "reverse"),
    ],
)
def test_lstm_with_peepholes_and_other_functions(inner: str, cell: str, outer: str, clip: float | None, direction: str):
    weight, recurrent, bias, peephole = (
        draw(4 * HIDDEN, 2),
        draw(4 * HIDDEN, HIDDEN),
        draw(4 * HIDDEN),
        draw(3 * HIDDEN),
    )
    h0, c0 = draw(3, HIDDEN), draw(3, HIDDEN)
    h, c, outputs = h0.astype(np.float64), c0.astype(np.float64), []
    peep_i, peep_f, peep_o = np.split(peephole, 3)
    for t in range(4) if direction == "forward" else range(3, -1, -1):
        i, f, o, z = np.split(SEQUENCE[t] @ weight.T + h @ recurrent.T + bias, 4, axis=1)
        i, f = ACTIVATIONS[inner](i + c * peep_i), ACTIVATIONS[inner](f + c * peep_f)
        c = f * c + i * ACTIVATIONS[cell](z)
        c = np.clip(c, -clip, clip) if clip else c
        h = ACTIVATIONS[inner](o + c * peep_o) * ACTIVATIONS[outer](c)
        outputs.append(h)  # Apple's tests want them in the order of their computation
    arguments = {
        "x": SEQUENCE, "initial_h": h0, "initial_c": c0, "weight_ih": weight, "weight_hh": recurrent, "bias": bias,
        "peephole": peephole, "direction": direction, "output_sequence": True, "recurrent_activation": inner,
        "cell_activation": cell, "activation": outer, **({"clip": clip} if clip else {}),
    }  # fmt: skip
    wanted = [w.astype(np.float32) for w in (np.stack(outputs), h, c)]
    check("lstm", arguments, 17, *wanted, computed=("x", "initial_h", "initial_c"))


def test_gru_with_reset_after_is_pytorchs():
    network, h = torch.nn.GRU(2, HIDDEN), draw(1, 3, HIDDEN)
    y, last = network(torch.from_numpy(SEQUENCE), torch.from_numpy(h))
    order = (0, 2, 1)
    arguments = {
        "x": SEQUENCE, "initial_h": h[0], "weight_ih": gates(network.weight_ih_l0, order),
        "weight_hh": gates(network.weight_hh_l0, order), "input_bias": gates(network.bias_ih_l0, order),
        "bias": gates(network.bias_hh_l0, order), "reset_after": True, "output_sequence": True,
    }  # fmt: skip
    check("gru", arguments, 18, y.detach(), last.detach()[0], computed=("x", "initial_h"))


def test_an_unknown_activation_is_refused():
    weights = {"weight_ih": draw(HIDDEN, 2), "weight_hh": draw(HIDDEN, HIDDEN)}
    arguments = {"x": SEQUENCE, "initial_h": draw(3, HIDDEN), **weights, "activation": "gelu"}
    with pytest.raises(ParityGateError, match="activation 'gelu' is not one of tanh"):
        by_lowering("rnn", arguments, 15, [np.zeros((1, 3, HIDDEN), np.float32), draw(3, HIDDEN)], ["x"])


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


@pytest.mark.parametrize(
    ("equation", "x", "y"),
    [
        ("nchw,nwhu->nchu", (2, 3, 4, 5), (2, 5, 4, 6)),
        ("abcd,adce->abce", (1, 3, 4, 5), (7, 5, 1, 6)),
        ("chw , whr -> chr", (3, 1, 5), (5, 4, 6)),
    ],
)
def test_einsum_stretches_axes_of_length_1(equation: str, x: tuple[int, ...], y: tuple[int, ...]):
    values = draw(*x), draw(*y)
    check("einsum", {"values": values, "equation": equation}, 15, np.einsum(equation, *values), computed=("values",))


def boxed(x: np.ndarray, box: list[float], mode: str, size: int, pad: float) -> np.ndarray:
    """``x`` (C, H, W) at points spread over the box [top, left, bottom, right]."""
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


def test_affine_is_pytorchs():
    x, matrix = draw(2, 3, 5, 4), draw(2, 6)
    grid = F.affine_grid(torch.from_numpy(matrix).reshape(2, 2, 3), [2, 3, 6, 7], align_corners=True)
    arguments = {
        "x": x, "transform_matrix": matrix, "output_height": 6, "output_width": 7, "sampling_mode": "bilinear",
        "padding_mode": "constant", "padding_value": 0.0, "coordinates_mode": "normalized_minus_one_to_one",
        "align_corners": True,
    }  # fmt: skip
    wanted = F.grid_sample(torch.from_numpy(x), grid, align_corners=True)
    check("affine", arguments, 15, wanted, computed=("x", "transform_matrix"))


def quantised(draw_zero: bool, axis: int | None) -> dict[str, Any]:
    shape = () if axis is None else (3,)
    scale = RANDOM.uniform(0.01, 0.1, shape).astype(np.float32)
    zero = {"zero_point": RANDOM.integers(-20, 20, shape).astype(np.int8)} if draw_zero else {}
    return {"scale": scale, **zero, **({} if axis is None else {"axis": axis})}


@pytest.mark.parametrize(("zero", "axis"), list(product([False, True], [None, 1, -2])))
def test_quantisation(zero: bool, axis: int | None):
    x = draw(2, 3, 4) * 10  # some of it beyond what 8 bits hold
    arguments = {"input": x, "output_dtype": "int8", **quantised(zero, axis)}
    (wanted,) = by_value_inference("quantize", arguments, 17)
    assert abs(wanted.astype(int)).max() > 126
    parameters = {k: np.asarray(v, v.dtype) for k, v in arguments.items() if isinstance(v, np.ndarray | np.generic)}
    check("quantize", {**arguments, **parameters}, 17, wanted, computed=("input", *(["zero_point"] if zero else [])))
    back = {k: v for k, v in arguments.items() if k != "output_dtype"} | {"input": wanted}
    shape = (-1, 1) if axis else ()
    offset = arguments["zero_point"].astype(np.float32).reshape(shape) if zero else 0
    dense = (wanted.astype(np.float32) - offset) * arguments["scale"].reshape(shape)
    check("dequantize", back, 17, dense.astype(np.float32), computed=("input", *(["zero_point"] if zero else [])))


def ops(opset: int) -> Any:
    coremltools()
    from coremltools.converters.mil.mil.ops.defs import iOS16, iOS18

    return iOS18.compression if opset == 18 else iOS16.constexpr_ops


BITS = RANDOM.random((4, 6)) < 0.6
DTYPES = [np.float16, np.float32]


def compressed(dtype: Any) -> dict[str, tuple[int, dict[str, Any]]]:
    """A name, the opset, and arguments in the types that a program's reader gives."""
    count = int(BITS.sum())
    data = RANDOM.integers(-8, 8, (4, 6)).astype(np.int8)
    scale = RANDOM.uniform(0.1, 1, (2, 3)).astype(dtype)
    offset = RANDOM.integers(-8, 8, (2, 3)).astype(np.int8)
    lut = RANDOM.normal(size=(2, 1, 4, 1)).astype(dtype)
    vectors = RANDOM.normal(size=(1, 2, 4, 3)).astype(dtype)
    index = RANDOM.integers(0, 4, (4, 6)).astype(np.uint8)
    mask = BITS.astype(np.uint8)
    some = index.reshape(-1)[:count]
    packed = np.packbits(np.unpackbits(index.reshape(-1, 1), axis=1)[:, -2:][:, ::-1].reshape(-1), bitorder="little")
    shape = np.array([4, 6], np.uint32)
    return {
        "affine": (16, {"quantized_data": data, "zero_point": np.int8(3), "scale": dtype(0.25), "axis": 0}),
        "affine by axis": (
            16,
            {"quantized_data": data, "zero_point": offset[0].repeat(2), "scale": scale[0].repeat(2), "axis": 1},
        ),
        "lut": (16, {"indices": packed, "lut": lut[0, 0, :, 0], "shape": shape}),
        "sparse": (
            16,
            {
                "nonzero_data": RANDOM.normal(size=count).astype(dtype),
                "mask": np.packbits(mask.reshape(-1), bitorder="little"),
                "shape": shape,
            },
        ),
        "blockwise": (18, {"data": data, "scale": scale, "offset": offset}),
        "blockwise symmetric": (18, {"data": data, "scale": scale}),
        "grouped lut": (18, {"indices": index, "lut": lut}),
        "vector lut": (18, {"indices": index, "lut": vectors, "vector_axis": 0}),
        "vector lut along the last axis": (18, {"indices": index, "lut": vectors, "vector_axis": -1}),
        "masked": (18, {"nonzero_data": RANDOM.normal(size=count).astype(dtype), "mask": mask}),
        "lut to sparse": (18, {"indices_mask": mask, "indices_nonzero_data": some, "lut": lut}),
        "vector lut to sparse": (
            18, {"indices_mask": mask, "indices_nonzero_data": some, "lut": vectors, "vector_axis": 1}
        ),
        "sparse blockwise": (
            18, {"data_mask": mask, "nonzero_data": data.reshape(-1)[:count], "scale": scale, "offset": offset}
        ),
    }  # fmt: skip


NAMES = {
    "affine": "constexpr_affine_dequantize",
    "affine by axis": "constexpr_affine_dequantize",
    "lut": "constexpr_lut_to_dense",
    "sparse": "constexpr_sparse_to_dense",
    "blockwise": "constexpr_blockwise_shift_scale",
    "blockwise symmetric": "constexpr_blockwise_shift_scale",
    "grouped lut": "constexpr_lut_to_dense",
    "vector lut": "constexpr_lut_to_dense",
    "vector lut along the last axis": "constexpr_lut_to_dense",
    "masked": "constexpr_sparse_to_dense",
    "lut to sparse": "constexpr_lut_to_sparse",
    "vector lut to sparse": "constexpr_lut_to_sparse",
    "sparse blockwise": "constexpr_sparse_blockwise_shift_scale",
}


@pytest.mark.parametrize(("name", "dtype"), list(product(NAMES, DTYPES)))
def test_compressed_weights(name: str, dtype: Any):
    opset, arguments = compressed(dtype)[name]
    defaults = (
        {"offset": None} if "blockwise" in name else {"vector_axis": None} if "lut" in name and opset == 18 else {}
    )
    wanted = getattr(ops(opset), NAMES[name]).decompress(**{**defaults, **arguments})
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    got = by_lowering(NAMES[name], arguments, opset, [np.asarray(w) for w in wanted], ["all are constants"])
    for g, w in zip(got, wanted, strict=True):
        np.testing.assert_array_equal(g, w)


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("lut", {"lut": np.zeros(3, np.float32)}),
        ("lut", {"indices": np.zeros(1, np.uint8)}),
        ("sparse", {"nonzero_data": np.zeros(1, np.float32)}),
        ("blockwise", {"scale": np.ones((3, 3), np.float32)}),
        ("grouped lut", {"indices": np.full((4, 6), 9, np.uint8)}),
        ("vector lut", {"vector_axis": 5}),
        ("masked", {"nonzero_data": np.zeros(99, np.float32)}),
    ],
)
def test_compressed_weights_that_contradict_themselves(name: str, broken: dict[str, Any]):
    opset, arguments = compressed(np.float32)[name]
    with pytest.raises(ParityGateError) as caught:
        by_lowering(NAMES[name], {**arguments, **broken}, opset, [np.zeros((4, 6), np.float32)], ["none"])
    assert caught.value.code in {"PG402", "PG405"}
