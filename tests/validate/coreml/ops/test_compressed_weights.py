"""Quantisation and compressed weights, against numpy and coremltools."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from draws import RANDOM, check, draw
from oracle import by_lowering, by_value_inference
from whole import coremltools

from paritygate.validate.errors import ParityGateError


def quantised(draw_zero: bool, axis: int | None) -> dict[str, Any]:
    shape = () if axis is None else (3,)
    scale = RANDOM.uniform(0.01, 0.1, shape).astype(np.float32)
    zero = {"zero_point": RANDOM.integers(-20, 20, shape).astype(np.int8)} if draw_zero else {}
    return {"scale": scale, **zero, **({} if axis is None else {"axis": axis})}


@pytest.mark.parametrize(("zero", "axis"), list(product([False, True], [None, 1, -2])))
def test_quantisation(zero: bool, axis: int | None):
    x = draw(2, 3, 4) * 10  # some of it out of range of 8 bits
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
def test_inconsistent_compressed_weights(name: str, broken: dict[str, Any]):
    opset, arguments = compressed(np.float32)[name]
    with pytest.raises(ParityGateError) as caught:
        by_lowering(NAMES[name], {**arguments, **broken}, opset, [np.zeros((4, 6), np.float32)], ["none"])
    assert caught.value.code in {"PG402", "PG405"}
