"""Random valid arguments for each operator: the lowering against coremltools' ``value_inference``.

To test an operator, add a row to ROWS: a function that draws its arguments. ``x`` and ``y`` are computed by the model
in the test unless ``computed`` says otherwise, everything else is a constant. float32 must agree to a few ulp of the
greatest value; float16 must be the correctly rounded float32 result or its neighbour.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import by_lowering, by_value_inference
from whole import coremltools

Draw = Callable[..., Any]


@dataclass(frozen=True)
class Row:
    arguments: Callable[[Draw], dict[str, Any]]
    opset: int = 15
    computed: tuple[str, ...] = ("x", "y")
    rtol: float = 2e-6
    halves: bool = True  # whether the operator accepts float16 too
    op: str = ""  # if it differs from the name of the entry


def tensor(
    draw: Draw, low: float = -3, high: float = 3, shape: tuple[int, ...] | None = None, dtype: str = "f4"
) -> Any:
    shape = shape if shape is not None else tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if dtype == "bool":
        return generator.random(shape) < 0.5
    if dtype == "i4":
        return generator.integers(int(low), int(high), shape, np.int32, endpoint=True)
    return generator.uniform(low, high, shape).astype(dtype)


def one(low: float = -3, high: float = 3, dtype: str = "f4", **extra: Any) -> Row:
    return Row(lambda draw: {"x": tensor(draw, low, high, dtype=dtype), **extra}, halves=dtype == "f4")


def two(low: float = -3, high: float = 3, dtype: str = "f4") -> Row:
    def arguments(draw: Draw) -> dict[str, Any]:
        x = tensor(draw, low, high, dtype=dtype)
        shape = tuple(draw(st.sampled_from([1, n])) for n in x.shape[draw(st.integers(0, x.ndim - 1)) :])
        y = tensor(draw, low, high, shape, dtype)
        return {"x": x, "y": y} if draw(st.booleans()) else {"x": y, "y": x}

    return Row(arguments, halves=dtype == "f4")


def with_axes(low: float = -3, high: float = 3) -> Row:
    def arguments(draw: Draw) -> dict[str, Any]:
        x = tensor(draw, low, high)
        axes = draw(st.lists(st.integers(0, x.ndim - 1), min_size=1, unique=True))
        signed = [a - x.ndim if draw(st.booleans()) else a for a in axes]
        return {"x": x, "axes": signed, "keep_dims": draw(st.booleans())}

    return Row(arguments, rtol=1e-5)


def with_axis(draw: Draw) -> dict[str, Any]:
    x = tensor(draw)
    return {"x": x, "axis": draw(st.integers(-x.ndim, x.ndim - 1)), "keep_dims": draw(st.booleans())}


def matmul(draw: Draw) -> dict[str, Any]:
    a, b, c, batch = (draw(st.integers(1, 4)) for _ in range(4))
    swap_x, swap_y = draw(st.booleans()), draw(st.booleans())
    x, y = (
        tensor(draw, shape=(batch, b, a) if swap_x else (batch, a, b)),
        tensor(draw, shape=(c, b) if swap_y else (b, c)),
    )
    return {"x": x, "y": y, "transpose_x": swap_x, "transpose_y": swap_y}


def slice_by_index(draw: Draw) -> dict[str, Any]:
    x = tensor(draw)
    stride = [draw(st.sampled_from([1, 2, -1, -2])) for _ in x.shape]
    low_high = [sorted(draw(st.lists(st.integers(0, n - 1), min_size=2, max_size=2))) for n in x.shape]
    spans = list(zip(low_high, stride, strict=True))
    begin, end = [a if s > 0 else b for (a, b), s in spans], [b + 1 if s > 0 else a - 1 for (a, b), s in spans]
    # A reversed slice down to the first element needs a mask: an end of -1 is the last element.
    masks = {
        "begin_mask": [draw(st.booleans()) for _ in x.shape],
        "end_mask": [draw(st.booleans()) or e < 0 for e in end],
    }
    squeeze = [False, *(draw(st.booleans()) for _ in x.shape[1:])]
    return {"x": x, "begin": begin, "end": end, "stride": stride, **masks, "squeeze_mask": squeeze}


def slice_by_size(draw: Draw) -> dict[str, Any]:
    x = tensor(draw)
    begin = [draw(st.integers(0, n - 1)) for n in x.shape]
    size = [draw(st.sampled_from([-1, draw(st.integers(1, n - b))])) for b, n in zip(begin, x.shape, strict=True)]
    return {"x": x, "begin": begin, "size": size}


def reshape(draw: Draw) -> dict[str, Any]:
    x = tensor(draw)
    return {"x": x, "shape": draw(st.sampled_from([[-1], [1, -1], [*x.shape, 1], [x.shape[0], -1], [0] * x.ndim]))}


def pad(draw: Draw) -> dict[str, Any]:
    x = tensor(draw)
    last = x.shape[x.ndim - draw(st.integers(1, x.ndim)) :]
    mode = draw(st.sampled_from(["constant", "replicate", "reflect"]))
    amounts = [draw(st.integers(0, n - 1 if mode == "reflect" else 2)) for n in last for _ in range(2)]
    return {"x": x, "pad": np.array(amounts, np.int32), "mode": mode, "constant_val": 0.75}


def gather(draw: Draw) -> dict[str, Any]:
    x = tensor(draw)
    axis = draw(st.integers(-x.ndim, x.ndim - 1))
    n = x.shape[axis]
    return {"x": x, "indices": tensor(draw, -n, n - 1, dtype="i4"), "axis": axis}


def gather_in_batches(draw: Draw) -> dict[str, Any]:
    x = tensor(draw, shape=(2, 3, 4, 2))
    batch, rest = draw(st.integers(0, 2)), draw(st.sampled_from([(), (3,), (2, 2)]))
    axis = draw(st.integers(batch, 3))  # the value inference is wrong for negative axes
    indices = tensor(draw, 0, x.shape[axis] - 1, (*x.shape[:batch], *rest), "i4")
    return {"x": x, "indices": indices, "axis": axis, "batch_dims": batch}


def along_axis(draw: Draw) -> dict[str, Any]:
    x = tensor(draw)
    axis = draw(st.integers(-x.ndim, x.ndim - 1))
    n, shape = x.shape[axis], list(x.shape)
    shape[axis] = draw(st.integers(1, 5))
    return {"x": x, "indices": tensor(draw, -n, n - 1, tuple(shape), "i4"), "axis": axis}


def scatter_along_axis(draw: Draw) -> dict[str, Any]:
    taken = along_axis(draw)
    updates = tensor(draw, shape=taken["indices"].shape)
    # The value inference has no other mode, and which of two updates of one position it keeps is undefined.
    taken["indices"] = np.argsort(tensor(draw, shape=taken["x"].shape), axis=taken["axis"]).astype(np.int32)
    updates = tensor(draw, shape=taken["x"].shape)
    return {
        "data": taken["x"],
        "indices": taken["indices"],
        "updates": updates,
        "axis": taken["axis"],
        "mode": "update",
    }


def sorting(draw: Draw) -> dict[str, Any]:
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    generator = np.random.default_rng(draw(st.integers(0, 99)))
    x = generator.permutation(np.prod(shape)).reshape(shape).astype(np.float32)  # no two are equal
    return {"x": x, "axis": draw(st.integers(-x.ndim, x.ndim - 1)), "ascending": draw(st.booleans())}


def topk(draw: Draw) -> dict[str, Any]:
    given = sorting(draw)
    return {**given, "k": draw(st.integers(1, given["x"].shape[given["axis"]]))}


def split(draw: Draw) -> dict[str, Any]:
    sizes = draw(st.lists(st.integers(1, 3), min_size=2, max_size=4))
    axis = draw(st.integers(0, 2))
    even = {"num_splits": len(sizes)} if len(set(sizes)) == 1 else {"split_sizes": sizes}
    return {"x": tensor(draw, shape=(*(2,) * axis, sum(sizes), *(2,) * (2 - axis))), "axis": axis - 3, **even}


def attention(draw: Draw) -> dict[str, Any]:
    mask = draw(st.sampled_from([{}, {"dtype": "f4"}, {"dtype": "bool"}]))
    shapes = {"query": (2, 3, 4, 5), "key": (2, 3, 6, 5), "value": (2, 3, 6, 2)}
    operands = {k: tensor(draw, shape=v) for k, v in shapes.items()}
    if not mask:
        return operands
    attn_mask = tensor(draw, shape=(4, 6), **mask)
    attn_mask[:, 0] = True if attn_mask.dtype == bool else 0  # a fully masked row is 0 / 0
    return {**operands, "attn_mask": attn_mask}


def layer_norm(draw: Draw) -> dict[str, Any]:
    x = tensor(draw, shape=(2, 3, 4))
    axes = draw(st.sampled_from([[2], [1, 2], [-1], [0, 2], [1]]))
    sizes = tuple(x.shape[a] for a in sorted(a % 3 for a in axes))
    return {
        "x": x,
        "axes": axes,
        "gamma": tensor(draw, shape=sizes),
        "beta": tensor(draw, shape=sizes),
        "epsilon": 1e-3,
    }


def prelu(draw: Draw) -> dict[str, Any]:
    x = tensor(draw, shape=(2, 3, 4, 2))
    return {"x": x, "alpha": tensor(draw, shape=(3,))}


ROWS: dict[str, Row] = {
    **{
        name: one()
        for name in [
            "abs",
            "atan",
            "ceil",
            "cos",
            "cosh",
            "erf",
            "exp",
            "exp2",
            "floor",
            "sign",
            "sin",
            "sinh",
            "square",
            "tanh",
        ]
    },
    **{name: one(-0.95, 0.95) for name in ["acos", "asin", "atanh", "tan"]},
    **{name: one(0.1, 9) for name in ["inverse", "log", "rsqrt", "sqrt"]},
    "round": one(-9, 9),
    "logical_not": one(dtype="bool"),
    "clip": one(alpha=-1.5, beta=2.0),
    "threshold": one(alpha=0.5),
    "cast": Row(lambda d: {"x": tensor(d, -9, 9), "dtype": "int32"}),
    **{name: one() for name in ["relu", "relu6", "sigmoid", "softplus", "softsign"]},
    "gelu": Row(
        lambda d: {"x": tensor(d), "mode": d(st.sampled_from(["EXACT", "TANH_APPROXIMATION", "SIGMOID_APPROXIMATION"]))}
    ),
    **{name: one(alpha=0.7, beta=0.4) for name in ["linear_activation", "scaled_tanh", "sigmoid_hard"]},
    "clamped_relu": one(alpha=0.2, beta=1.5),
    **{name: one(alpha=0.3) for name in ["elu", "leaky_relu", "thresholded_relu"]},
    "prelu": Row(prelu),
    "softplus_parametric": Row(lambda d: {**prelu(d), "beta": tensor(d, shape=(3,))}, rtol=1e-5),
    "softmax": Row(lambda d: {"x": tensor(d), "axis": -1}),
    **{
        name: two()
        for name in [
            "add",
            "sub",
            "mul",
            "maximum",
            "minimum",
            "greater",
            "greater_equal",
            "less",
            "less_equal",
            "equal",
            "not_equal",
        ]
    },
    **{name: two(0.5, 3) for name in ["real_div", "pow", "floor_div", "mod"]},
    **{name: two(dtype="bool") for name in ["logical_and", "logical_or", "logical_xor"]},
    **{
        name: with_axes()
        for name in ["reduce_max", "reduce_min", "reduce_mean", "reduce_sum", "reduce_prod", "reduce_l1_norm"]
    },
    **{name: with_axes() for name in ["reduce_l2_norm", "reduce_sum_square", "reduce_log_sum_exp"]},
    "reduce_log_sum": with_axes(0.1, 3),
    "reduce_argmax": Row(with_axis, halves=False),
    "reduce_argmin": Row(with_axis, halves=False),
    "matmul": Row(matmul, rtol=1e-5),
    "linear": Row(
        lambda d: {"x": tensor(d, shape=(2, 3)), "weight": tensor(d, shape=(4, 3)), "bias": tensor(d, shape=(4,))},
        rtol=1e-5,
    ),
    "l2_norm": Row(lambda d: {"x": tensor(d, shape=(2, 3, 4, 2)), "epsilon": 1e-3}),
    "layer_norm": Row(layer_norm, rtol=1e-5),
    "expand_dims": Row(
        lambda d: {"x": tensor(d, shape=(2, 3)), "axes": d(st.sampled_from([[0], [-1], [0, 2], [1, 3]]))}
    ),
    "squeeze": Row(
        lambda d: {"x": tensor(d, shape=(1, 3, 1, 2)), "axes": d(st.sampled_from([[0], [2], [-2], [0, 2]]))}
    ),
    "reshape": Row(reshape),
    "reverse": Row(lambda d: {"x": tensor(d, shape=(2, 3, 4)), "axes": d(st.sampled_from([[0], [-1], [0, 2]]))}),
    "slice_by_index": Row(slice_by_index),
    "slice_by_size": Row(slice_by_size),
    "transpose": Row(lambda d: {"x": tensor(d, shape=(2, 3, 4)), "perm": d(st.permutations([0, 1, 2]))}),
    "argsort": Row(sorting),
    "band_part": Row(
        lambda d: {"x": tensor(d, shape=(2, 4, 3)), "lower": d(st.integers(-1, 4)), "upper": d(st.integers(-1, 3))}
    ),
    "cumsum": Row(
        lambda d: {"x": tensor(d, shape=(3, 4)), "axis": d(st.integers(-1, 1)), "reverse": d(st.booleans())}, rtol=1e-6
    ),
    "fill": Row(lambda d: {"shape": d(st.sampled_from([[3], [2, 1, 4]])), "value": d(st.sampled_from([2.5, 3, True]))}),
    "fill_like": Row(
        lambda d: {"ref_tensor": tensor(d), "value": d(st.sampled_from([2.5, 3, True]))}, 16, ("ref_tensor",)
    ),
    "flatten2d": Row(lambda d: {"x": tensor(d, shape=(2, 3, 4)), "axis": d(st.sampled_from([1, 2, -1, -2]))}),
    "gather": Row(gather, computed=("x", "indices")),
    "gather in batches": Row(gather_in_batches, 16, op="gather", computed=("x", "indices")),
    "gather by positive index": Row(gather_in_batches, 17, op="gather", computed=("x", "indices")),
    "gather_along_axis": Row(along_axis, computed=("x", "indices")),
    "non_zero": Row(lambda d: {"x": tensor(d, 0, 1, dtype="i4")}, halves=False),
    "pad": Row(pad),
    "pad by a computed amount": Row(
        lambda d: {"x": tensor(d, shape=(2, 3)), "pad": tensor(d, 0, 2, (4,), "i4")}, op="pad", computed=("x", "pad")
    ),
    "range_1d": Row(
        lambda d: {
            "start": np.float32(d(st.integers(-9, 9)) / 4),
            "end": np.float32(d(st.integers(40, 90)) / 4),
            "step": np.float32(d(st.sampled_from([0.1, 0.3, 1, 2.5]))),
        },
        computed=("start", "end", "step"),
        halves=False,
    ),
    "scaled_dot_product_attention": Row(attention, 18, ("query", "key", "value", "attn_mask"), rtol=1e-5),
    "scatter_along_axis": Row(scatter_along_axis, computed=("data", "indices", "updates")),
    "select": Row(
        lambda d: {
            "cond": tensor(d, shape=(2, 3), dtype="bool"),
            "a": tensor(d, shape=(2, 3)),
            "b": tensor(d, shape=(1, 3)),
        },
        computed=("cond", "a", "b"),
    ),
    "split": Row(split),
    "tile": Row(lambda d: {"x": tensor(d, shape=(2, 3)), "reps": [d(st.integers(1, 3)), d(st.integers(1, 3))]}),
    "topk": Row(topk),
    "topk by opset 16": Row(lambda d: {**topk(d), "return_indices": False, "sort": False}, 16, op="topk"),
    "topk by opset 17": Row(lambda d: {**topk(d), "output_indices_dtype": "uint16"}, 17, op="topk"),
}


@pytest.mark.parametrize("name", ROWS)
@given(data=st.data())
@settings(max_examples=8, deadline=None, derandomize=True, database=None)
def test_lowering_agrees_with_value_inference(name: str, data: st.DataObject):
    row = ROWS[name]
    arguments = row.arguments(data.draw)
    op = row.op or name
    wanted = by_value_inference(op, arguments, row.opset)
    got = by_lowering(op, arguments, row.opset, wanted, row.computed)
    for g, w in zip(got, wanted, strict=True):
        np.testing.assert_allclose(g, w, rtol=row.rtol, atol=row.rtol * max(1, np.abs(w).max(initial=0)))


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.halves])
@given(data=st.data())
@settings(max_examples=4, deadline=None, derandomize=True, database=None)
def test_float16_is_rounded_once_at_the_boundary(name: str, data: st.DataObject):
    """The float16 result is the float32 result of the same (representable) operands, rounded."""
    row = ROWS[name]
    halves = {k: _half(v) for k, v in row.arguments(data.draw).items()}
    singles = {k: v.astype(np.float32) if _is_half(v) else v for k, v in halves.items()}
    op = row.op or name
    exact = by_lowering(op, singles, row.opset, by_value_inference(op, singles, row.opset), row.computed)
    wanted = [e.astype(np.float16) if e.dtype == np.float32 else e for e in exact]
    for g, w in zip(by_lowering(op, halves, row.opset, wanted, row.computed), wanted, strict=True):
        np.testing.assert_array_equal(g, w)


def _half(value: Any) -> Any:
    is_single = isinstance(value, np.ndarray) and value.dtype == np.float32
    return value.astype(np.float16) if is_single else value


def _is_half(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype == np.float16


def test_every_lowered_operator_with_value_inference_has_an_entry():
    coremltools()
    from coremltools.converters.mil.mil.ops.registry import SSAOpRegistry

    from paritygate.validate.coreml.bind import MIL

    has_oracle = {n for n, v in SSAOpRegistry.core_ops.items() if _infers(next(iter(v.values())))}
    assert has_oracle & MIL.names() - set(ROWS) <= set(WITHOUT_ROW)


def _infers(op: type) -> bool:
    from coremltools.converters.mil.mil import Operation

    return op.value_inference is not Operation.value_inference


WITHOUT_ROW = {
    "concat": "takes a tuple; tested in test_tensor_operators.py",
    "cond": "takes blocks; tested by the recorded cases",
    "einsum": "takes a tuple; tested in test_families.py",
    "identity": "gives what it takes",
    "list_length": "takes a list; tested by the recorded cases",
    "quantize": "keeps its parameters in narrow types; tested in test_families.py",
    "reverse_sequence": "its value inference raises",
    "shape": "gives a constant for every fixed shape",
    "stack": "takes a tuple; tested in test_tensor_operators.py",
    "slice_update": "written from iOS18 on; tested by the recorded cases",
}
