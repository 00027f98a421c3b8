"""Neural network layers that no recorded case has, and parameters that none uses, against NumPy.

To test a layer, add a row to ROWS: what to build, what to feed, and what NumPy makes of it. Everything is float32, so
results must agree to a few ulp of the greatest value unless the row says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from networks import outputs
from scipy import special

X = np.random.default_rng(7).uniform(-1, 1, (2, 3, 4)).astype(np.float32)
CHW = np.random.default_rng(8).uniform(-1, 1, (3, 4, 6)).astype(np.float32)
POSITIVE = np.abs(X) + 1
VECTOR = np.random.default_rng(9).uniform(-1, 1, (5, 1, 1)).astype(np.float32)


@dataclass(frozen=True)
class Row:
    build: Callable[[Any], object]
    feeds: dict[str, np.ndarray]
    expected: Callable[..., np.ndarray]
    exact: bool = True
    rtol: float = 2e-6


def one(
    method: str, expected: Callable[..., np.ndarray], x: np.ndarray = X, exact: bool = True, **parameters: Any
) -> Row:
    return Row(
        lambda b: getattr(b, f"add_{method}")(name="l", input_name="x", output_name="y", **parameters),
        {"x": x}, expected, exact,
    )  # fmt: skip


def several(method: str, expected: Callable[..., np.ndarray], exact: bool = True, **feeds: Any) -> Row:
    parameters = feeds.pop("parameters", {})
    return Row(
        lambda b: getattr(b, f"add_{method}")(name="l", input_names=list(feeds), output_name="y", **parameters),
        feeds, expected, exact,
    )  # fmt: skip


def standardised(x: np.ndarray, axes: tuple[int, ...] | None, epsilon: float) -> np.ndarray:
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)


ROWS = {
    "asin": one("asin", np.arcsin),
    "acos": one("acos", np.arccos),
    "tan": one("tan", np.tan),
    "sinh": one("sinh", np.sinh),
    "cosh": one("cosh", np.cosh),
    "tanh": one("tanh", np.tanh),
    "asinh": one("asinh", np.arcsinh),
    "acosh": one("acosh", np.arccosh, POSITIVE),
    "atanh": one("atanh", np.arctanh),
    "exp2": one("exp2", np.exp2),
    "erf": one("erf", special.erf),
    "round halves to even": one("round", np.round, np.array([0.5, 1.5, -0.5, 2.4], np.float32)),
    "clip": one("clip", lambda x: np.clip(x, -0.2, 0.3), min_value=-0.2, max_value=0.3),
    "gelu by sigmoid": one("gelu", lambda x: x * special.expit(1.702 * x), mode="SIGMOID_APPROXIMATION"),
    "unary scale and shift": one("unary", lambda x: (2 * x + 5) ** 3, mode="power", alpha=3, shift=5, scale=2),
    "average": several("elementwise", lambda x, z: (x + z) / 2, x=X, z=POSITIVE, parameters={"mode": "AVE"}),
    "three summands": several(
        "elementwise", lambda x, y, z: x + y + z, x=X, b=POSITIVE, c=X, parameters={"mode": "ADD"}
    ),
    "mod has the divisor's sign": several("mod_broadcastable", np.mod, x=4 * X, z=np.array([-0.7], np.float32)),
    "floor division": several("floor_div_broadcastable", np.floor_divide, x=4 * X, z=np.array([-0.7], np.float32)),
    "not": Row(
        lambda b: b.add_logical("l", ["x"], "y", "NOT"),
        {"x": np.array([0, 2, -1, 0], np.float32)},
        lambda x: np.logical_not(x).astype(np.float32),
    ),
    "where takes any number for true": several(
        "where_broadcastable", np.where, c=np.array([0, 0.5, -1, 0], np.float32), x=X, z=POSITIVE
    ),
    "softmax over channels": one("softmax", lambda x: special.softmax(x, axis=0), CHW, exact=False),
    "flatten": one("flatten", lambda x: x.reshape(-1, 1, 1), CHW, False, mode=0),
    "flatten, channel last": one("flatten", lambda x: x.transpose(1, 2, 0).reshape(-1, 1, 1), CHW, False, mode=1),
    "reshape": one("reshape", lambda x: x.reshape(2, 6, 6), CHW, False, target_shape=(2, 6, 6), mode=0),
    "reshape, channel last": one(
        "reshape", lambda x: x.transpose(1, 2, 0).reshape(6, 6, 2).transpose(2, 0, 1), CHW, False,
        target_shape=(2, 6, 6), mode=1,
    ),
    "reshape into a sequence": one(
        "reshape", lambda x: x.reshape(3, 1, 4, 6, 1), CHW, False, target_shape=(3, 4, 6, 1), mode=0
    ),
    "permute": one("permute", lambda x: x.transpose(2, 0, 1), CHW, False, dim=(0, 3, 1, 2)),
    "permute into a sequence": one(
        "permute", lambda x: x.transpose(2, 0, 1).reshape(6, 1, 3, 4, 1), CHW, False, dim=(3, 1, 2, 0)
    ),
    "repeat a sequence": one("sequence_repeat", lambda x: np.stack([x[None]] * 3), CHW, False, nrep=3),
    "bias per channel": one(
        "bias", lambda x: x + np.array([1, 2, 3])[:, None, None], CHW, False, b=np.array([1, 2, 3]), shape_bias=[3]
    ),
    "scale and bias": one(
        "scale", lambda x: x * CHW + 2, CHW, False, W=CHW, b=np.array([2.0]), has_bias=True, shape_scale=[3, 4, 6],
        shape_bias=[1],
    ),
    "l2normalize": one("l2_normalize", lambda x: x / np.sqrt((x**2).sum() + 1e-6), CHW, False),
    "mvn across channels": one(
        "mvn", lambda x: standardised(x, None, 1e-3), CHW, False, across_channels=True,
        normalize_variance=True, epsilon=1e-3,
    ),
    "layer normalisation": one(
        "layer_normalization", lambda x: standardised(x, (1, 2), 1e-2) * X[0] + POSITIVE[0],
        normalized_shape=[3, 4], gamma=X[0], beta=POSITIVE[0], eps=1e-2,
    ),
    "embedding": one(
        "embedding", lambda x: np.array([2.0, 6, 10]).reshape(3, 1, 1) + 1, np.full((1, 1, 1), 2, np.float32), False,
        W=np.arange(12.0).reshape(3, 4), b=np.ones(3), input_dim=4, output_channels=3, has_bias=True,
    ),
    "dot": several(
        "elementwise", lambda a, b: (a * b).sum(0, keepdims=True), False,
        x=VECTOR, z=VECTOR**2, parameters={"mode": "DOT"},
    ),
    "cosine": several(
        "elementwise", lambda a, b: ((a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b)).reshape(1, 1, 1), False,
        x=VECTOR, z=VECTOR**2, parameters={"mode": "COS"},
    ),
    "sum of logarithms": one(
        "reduce", lambda x: np.log(x + 1e-6).sum((1, 2), keepdims=True), np.abs(CHW), False, axis="HW", mode="logsum"
    ),
    "old argmax": one("reduce", lambda x: x.argmax(1)[:, None], CHW, False, axis="H", mode="argmax"),
    "reduceLogSum": one("reduce_logsum", lambda x: np.log(x.sum(1)), POSITIVE, axes=[1], keepdims=False),
    "reduceSumSquare of all": one(
        "reduce_sumsquare", lambda x: (x**2).sum().reshape(1), axes=None, keepdims=False, reduce_all=True
    ),
    "argmax of a vector": one("argmax", lambda x: x.argmax().reshape(1), X[0, 0], axis=0, keepdims=False),
    "tile by fewer numbers than axes": Row(
        lambda b: b.add_tile("l", ["x", "z"], "y"), {"x": X, "z": np.array([2, 3], np.float32)},
        lambda x, z: np.tile(x, z.astype(int)),
    ),
    "fill like": one("fill_like", lambda x: np.full_like(x, 3), value=3.0),
    "reshape like": several("reshape_like", lambda x, z: x.reshape(z.shape), x=X, z=np.zeros((4, 6), np.float32)),
    "broadcast like": several(
        "broadcast_to_like", lambda x, z: np.broadcast_to(x, z.shape), x=X[:1], z=np.zeros((5, 3, 4), np.float32)
    ),
    "broadcast to a computed shape": several(
        "broadcast_to_dynamic", lambda x, z: np.broadcast_to(x, z.astype(int)),
        x=X[:1], z=np.array([5, 3, 4], np.float32),
    ),
    "slice by size": several(
        "slice_by_size", lambda x, z: x[:, 1:3], x=X, z=np.array([1], np.float32), parameters={"axis": 1, "size": 2}
    ),
    "slice by size from the end": several(
        "slice_by_size", lambda x, z: x[:, :, -3:-1],
        x=X, z=np.array([-3], np.float32), parameters={"axis": 2, "size": 2},
    ),
    "pad to lengths": Row(
        lambda b: b.add_constant_pad(
            "l", ["x"], "y", 2.0, pad_to_given_output_size_mode=True, pad_amounts=[0, 4, 5, 0, 0, 0]
        ),
        {"x": X},
        lambda x: np.pad(x, [(0, 2), (2, 0), (0, 0)], constant_values=2),
    ),
    "an index out of range is nowhere hot": Row(
        lambda b: b.add_one_hot("l", ["x"], "y", one_hot_vector_size=3, axis=0, on_value=5.0, off_value=-1.0),
        {"x": np.array([2, -1, 3, 0], np.float32)},
        lambda x: np.where(np.arange(3)[:, None] == x, 5.0, -1.0),
    ),
    "cumulative sum backwards": Row(
        lambda b: b.add_cumsum("l", ["x"], "y", axis=2, reverse=True, exclusive=True),
        {"x": X},
        lambda x: x[..., ::-1].cumsum(-1)[..., ::-1] - x,
        rtol=1e-5,
    ),
    "scatter where places repeat": Row(
        lambda b: b.add_scatter("l", ["x", "i", "u"], "y", axis=-2, mode="ADD"),
        {"x": X, "i": np.array([1, 1, -1, 1], np.float32), "u": np.ones((2, 4, 4), np.float32)},
        lambda x, i, u: x + np.array([0, 3, 1], np.float32)[:, None],
    ),
    "scatter divides": Row(
        lambda b: b.add_scatter_along_axis("l", ["x", "i", "u"], "y", axis=0, mode="DIV"),
        {"x": X, "i": np.zeros((1, 3, 4), np.float32), "u": POSITIVE[:1]},
        lambda x, i, u: np.concatenate([x[:1] / u, x[1:]]),
    ),
    "reflected border": one(
        "padding", lambda x: np.pad(x, [(0, 0), (1, 2), (3, 0)], mode="reflect"), CHW, False, top=1, bottom=2, left=3,
        padding_type="reflection",
    ),
    "crop to another blob": Row(
        lambda b: b.add_crop("l", 0, 0, 0, 0, [1, 2], ["x", "z"], "y"),
        {"x": CHW, "z": np.zeros((3, 2, 3), np.float32)},
        lambda x, z: x[:, 1:3, 2:5],
        exact=False,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_layer(name: str):
    row = ROWS[name]
    (got,) = outputs(row.build, row.feeds, exact=row.exact)
    want = row.expected(*(array.astype(np.float64) for array in row.feeds.values()))
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=row.rtol, atol=row.rtol * np.abs(want).max())


def test_constants_need_no_input():
    def build(b: Any) -> None:
        b.add_fill_static("fill", "fill", output_shape=(2, 2), value=4.0)
        b.add_range_static("range", "range", end=7, start=1, step=2)
        b.add_copy("copy", "x", "y")

    fill, steps = outputs(build, {"x": X}, ("fill", "range"))
    np.testing.assert_array_equal(fill, np.full((2, 2), 4))
    np.testing.assert_array_equal(steps, [1, 3, 5])


def test_split_over_channels():
    parts = outputs(lambda b: b.add_split("l", "x", ["a", "b", "c"]), {"x": CHW}, ("a", "b", "c"), exact=False)
    np.testing.assert_array_equal(np.concatenate(parts), CHW)
    assert parts[0].shape == (1, 4, 6)


def test_parts_of_unequal_length():
    x = np.arange(7, dtype=np.float32)
    parts = outputs(
        lambda b: b.add_split_nd("l", "x", ["a", "b", "c"], axis=0, num_splits=3), {"x": x}, ("a", "b", "c")
    )
    assert [part.tolist() for part in parts] == [part.tolist() for part in np.array_split(x, 3)]
