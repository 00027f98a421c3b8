"""ONNX' table transformers: scalers, imputers, encoders."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...common import floating, is_float, unsqueezed
from ...mil import Var, mb
from ...node import Node
from ...registry import translates
from ...values import Array, Floats, Ints, Operand, narrowed, variable
from .scores import ML, rows

Strings = tuple[str, ...]


@translates("Scaler", domain=ML)
def scaler(node: Node, x: Var, *, offset: Floats = (), scale: Floats = ()) -> Var:
    """(x - offset) * scale, each one number or one per feature."""
    moved = mb.sub(x=floating(x), y=np.array(offset or [0.0], np.float32))
    return mb.mul(x=moved, y=np.array(scale or [1.0], np.float32))


@translates("Normalizer", domain=ML)
def normalizer(node: Node, x: Var, *, norm: str) -> Var:
    """Rows divided by their norm; a row with norm zero is unchanged."""
    vectors = rows(x)
    if norm == "MAX":
        length = mb.reduce_max(x=vectors, axes=[-1], keep_dims=True)
    elif norm == "L1":
        length = mb.reduce_sum(x=mb.abs(x=vectors), axes=[-1], keep_dims=True)
    elif norm == "L2":
        length = mb.sqrt(x=mb.reduce_sum(x=mb.mul(x=vectors, y=vectors), axes=[-1], keep_dims=True))
    else:
        raise node.unsupported(f"its norm '{norm}' is not one of L1, L2, MAX")
    empty = mb.cast(x=mb.equal(x=length, y=0.0), dtype="fp32")
    return mb.real_div(x=vectors, y=mb.add(x=length, y=empty))


@translates("Imputer", domain=ML)
def imputer(
    node: Node, x: Var, *, imputed_value_floats: Floats = (), imputed_value_int64s: Ints = (),
    replaced_value_float: float = 0.0, replaced_value_int64: int = 0,
) -> Var:  # fmt: skip
    """x with ``replaced_value``, which may be NaN, replaced."""
    if not is_float(x):
        return mb.select(cond=mb.equal(x=x, y=np.int32(replaced_value_int64)), a=_row(imputed_value_int64s, x), b=x)
    missing = mb.not_equal(x=x, y=x)
    if not np.isnan(replaced_value_float):
        missing = mb.equal(x=x, y=np.float32(replaced_value_float))
    return mb.select(cond=missing, a=_row(imputed_value_floats, x), b=x)


def _row(values: Ints | Floats, x: Var) -> Array:
    """One value for all, or one for each feature."""
    dtype = np.float32 if is_float(x) else np.int32
    return np.array(values, dtype).reshape([1] * (x.rank - 1) + [-1])


@translates("Binarizer", domain=ML)
def binarizer(node: Node, x: Var, *, threshold: float) -> Var:
    """1 above the threshold, 0 elsewhere."""
    return mb.cast(x=mb.greater(x=floating(x), y=np.float32(threshold)), dtype="fp32" if is_float(x) else "int32")


@translates("ArrayFeatureExtractor", domain=ML)
def array_feature_extractor(node: Node, x: Operand, y: Operand) -> Var:
    """The elements at ``y`` of the last axis; a vector is one row."""
    if x.known and x.dtype.kind not in "biuf":
        raise node.unsupported("it selects text, and the graph doesn't show that it is the class of the greatest score")
    data = variable(x)
    picked = mb.gather(x=data, indices=mb.reshape(x=variable(y), shape=[-1]), axis=-1)
    return unsqueezed(picked, [0]) if data.rank == 1 else picked


@translates("FeatureVectorizer", domain=ML)
def feature_vectorizer(node: Node, *columns: Var, inputdimensions: Ints = ()) -> Var:
    """Columns side by side, as floats."""
    return mb.concat(values=[rows(column) for column in columns], axis=1)


@translates("OneHotEncoder", domain=ML)
def one_hot_encoder(node: Node, x: Var, *, cats_int64s: Ints = (), cats_strings: Strings = (), zeros: int) -> Var:
    """A vector per element: 1 for the category that equals the element, truncated to an integer."""
    if not zeros:
        raise node.unsupported("zeros=0 makes an unknown category an error, which a Core ML model can't raise")
    whole = mb.cast(x=x, dtype="int32")
    return mb.cast(x=mb.equal(x=unsqueezed(whole, [x.rank]), y=np.array(cats_int64s, np.int32)), dtype="fp32")


@translates("LabelEncoder", domain=ML)
def label_encoder(
    node: Node, x: Var, *, keys_int64s: Ints = (), keys_floats: Floats = (), keys_strings: Strings = (),
    keys_tensor: Any = None, values_int64s: Ints = (), values_floats: Floats = (), values_strings: Strings = (),
    values_tensor: Any = None, default_int64: int = -1, default_float: float = -0.0, default_string: str = "_Unused",
    default_tensor: Any = None,
) -> Var:  # fmt: skip
    """The value whose key x is, else the default. NaN is a key from version 4 on."""
    keys = _table(keys_int64s, keys_floats, keys_tensor)
    values = _table(values_int64s, values_floats, values_tensor)
    if keys_strings or values_strings or not len(keys):
        raise node.unsupported("Core ML has no tensors of text")
    default = default_float if values.dtype.kind == "f" else default_int64
    if default_tensor is not None:
        default = default_tensor.item()
    found = mb.equal(x=unsqueezed(x, [x.rank]), y=narrowed(keys).astype(np.float32 if is_float(x) else np.int32))
    if node.opset >= 4 and keys.dtype.kind == "f" and np.isnan(keys).any():
        missing = mb.logical_and(x=unsqueezed(mb.not_equal(x=x, y=x), [x.rank]), y=np.isnan(keys))
        found = mb.logical_or(x=found, y=missing)
    position = mb.reduce_argmax(x=mb.cast(x=found, dtype="fp32"), axis=-1, keep_dims=False)
    known = mb.reduce_max(x=mb.cast(x=found, dtype="fp32"), axes=[-1], keep_dims=False)
    picked = mb.gather(x=narrowed(values), indices=position, axis=0)
    other = narrowed(np.array(default, values.dtype))[()]
    return mb.select(cond=mb.greater(x=known, y=0.5), a=picked, b=other)


def _table(integers: Ints, floats: Floats, tensor: Array | None) -> Array:
    if tensor is not None:
        return tensor
    return np.array(integers, np.int64) if integers else np.array(floats, np.float32)
