"""Keras layers and TensorFlow operators to ONNX that converters get wrong or lack.

The expected values are the framework's own (``predict``, the function itself), never this project's engines.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import pytest
import tensorflow as tf
from tensorflow_conversion import check_against

from fixtures.arrays import normal
from fixtures.keras_models import L, layers
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.tensorflow import keras as keras_engine
from paritygate.validate.engines.tensorflow import saved_model

pytestmark = pytest.mark.xdist_group("tensorflow")

RECURRENT: dict[str, Callable[[], Any]] = {
    "LSTM relu/hard_sigmoid": lambda: L.LSTM(4, activation="relu", recurrent_activation="hard_sigmoid"),
    "LSTM backwards": lambda: L.LSTM(4, go_backwards=True, return_sequences=True),
    "LSTM no bias": lambda: L.LSTM(4, use_bias=False, unit_forget_bias=False),
    "GRU elu/hard_sigmoid": lambda: L.GRU(4, activation="elu", recurrent_activation="hard_sigmoid"),
    "GRU reset before": lambda: L.GRU(4, reset_after=False, return_sequences=True),
    "SimpleRNN": lambda: L.SimpleRNN(4, activation="softsign"),
    "Bidirectional LSTM": lambda: L.Bidirectional(L.LSTM(4, activation="softsign", return_sequences=True)),
    "Bidirectional mul": lambda: L.Bidirectional(L.LSTM(4, recurrent_activation="hard_sigmoid"), merge_mode="mul"),
    "Bidirectional, two activations": lambda: L.Bidirectional(
        L.GRU(4, activation="relu"), backward_layer=L.GRU(4, activation="tanh", go_backwards=True)
    ),
    "stacked cells": lambda: L.RNN([L.LSTMCell(4), L.GRUCell(3)]),
}

IMAGES: dict[str, Callable[[], Any]] = {
    "resize 7x9": lambda: L.Resizing(7, 9),
    "resize nearest": lambda: L.Resizing(13, 4, interpolation="nearest"),
    "resize bicubic": lambda: L.Resizing(13, 4, interpolation="bicubic"),
    "resize area": lambda: L.Resizing(13, 4, interpolation="area"),
    "resize lanczos": lambda: L.Resizing(13, 4, interpolation="lanczos5"),
    "resize antialias": lambda: L.Resizing(4, 3, antialias=True),
    "upsample": lambda: L.UpSampling2D((2, 3), interpolation="bilinear"),
    "grouped convolution": lambda: L.Conv2D(6, 3, groups=3, dilation_rate=2),
    "transposed, padded output": lambda: L.Conv2DTranspose(4, 3, strides=(2, 3), output_padding=1),
    "transposed, same": lambda: L.Conv2DTranspose(4, 3, strides=2, padding="same"),
    "random in training only": lambda: L.RandomHue(0.2),
    "depthwise": lambda: L.DepthwiseConv2D(3, depth_multiplier=2),
}

CASES = [
    *[pytest.param(make, (6, 5), id=name) for name, make in RECURRENT.items()],
    *[pytest.param(make, (9, 6, 3), id=name) for name, make in IMAGES.items()],
]


@pytest.mark.parametrize(("make", "shape"), CASES)
def test_layer(make: Callable[[], Any], shape: tuple[int, ...], tmp_path: Path) -> None:
    """Two batch sizes and random biases; the declared shapes are those of the outputs."""
    keras.utils.set_random_seed(1)
    x = keras.Input(shape, name="x")
    layer = make()
    model = keras.Model(x, layer(x))
    for weight in layer.weights:
        if weight.path.endswith("bias"):
            weight.assign(normal(*weight.shape))
    name = model.output_names[0]
    candidate = check_against(
        lambda x: {name: model(x, training=False)},
        keras_engine.load(model, LoadOptions()),
        tmp_path,
        {"x": normal(2, *shape)},
        {"x": normal(3, *shape, seed=1)},
    )
    declared = onnx.load(candidate.path).graph.output[0].type.tensor_type.shape.dim
    assert [dim.dim_value for dim in declared][1:] == list(model.output_shape[1:])


@pytest.mark.parametrize("dimensions", [2, 3])
def test_padding_before_a_max_pool_keeps_its_zeros(dimensions: int, tmp_path: Path) -> None:
    """ONNX Runtime would let the pool pad, with minus infinity, which shows if all inputs are negative."""
    convolution, padding, pool = {
        2: (L.Conv2D, L.ZeroPadding2D, L.MaxPooling2D),
        3: (L.Conv3D, L.ZeroPadding3D, L.MaxPooling3D),
    }[dimensions]
    below = keras.initializers.Constant(-9.0)
    shape = (5, 6, 7)[:dimensions]
    native = keras.Sequential(
        [
            keras.Input((*shape, 3), name="x"),
            convolution(4, 1, bias_initializer=below),
            padding(1),
            pool(3, strides=2, name="pool"),
        ]
    )
    feed = {"x": normal(2, *shape, 3)}
    check_against(lambda x: {"pool": native(x)}, keras_engine.load(native, LoadOptions()), tmp_path, feed)


FUNCTIONS: dict[str, tuple[Callable[..., Any], list[float]]] = {
    "erfc": (tf.math.erfc, [-3, -0.5, 0, 1e-3, 0.5, 3]),
    "expm1": (tf.math.expm1, [-90, -1, -1e-4, 0, 1e-6, 0.5, 1, 5]),
    "log1p": (tf.math.log1p, [-0.5, -1e-6, 0, 1e-6, 1e-3, 1, 1e6, np.inf]),
    "xlogy": (lambda x: tf.math.xlogy(x, x), [0, 0.5, 1, 20]),
    "xdivy": (lambda x: tf.math.xdivy(x, x - 2), [0, 1, 3]),
    "multiply_no_nan": (lambda x: tf.math.multiply_no_nan(1 / x, x), [0, 0.5, 2]),
    "truncatemod": (lambda x: tf.truncatemod(x, 3.0), [-7, -3, -1, 0, 2, 8]),
    "bucketize": (lambda x: tf.raw_ops.Bucketize(input=x, boundaries=[-1, 0, 2]), [-9, -1, -0.5, 0, 1, 2, 3, np.nan]),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_operator_that_tf2onnx_lacks(name: str, tmp_path: Path) -> None:
    """Difficult values: near 0, at the edges of bins, at infinity; so only the relative error counts.

    Except for erfc, which ONNX has only as 1 - erf: its absolute error is a unit in the last place of 1.
    """
    function, values = FUNCTIONS[name]
    wrapped = tf.function(lambda x: {"y": function(x)})
    model = saved_model.load(wrapped.get_concrete_function(tf.TensorSpec([len(values)], tf.float32)), LoadOptions())
    tolerance = {"rtol": 1e-5, "atol": 1e-7 if name == "erfc" else 0}
    feed = {"x": np.array(values, np.float32)}
    check_against(lambda x: {"y": function(tf.constant(x))}, model, tmp_path, feed, tolerance=tolerance)


@pytest.mark.parametrize("mode", ["int", "one_hot", "multi_hot", "count"])
def test_lookups_keep_their_rows(mode: str, tmp_path: Path) -> None:
    """After a lookup TensorFlow doesn't know the rank, and tf2onnx counts all rows together."""
    width = 1 if mode == "one_hot" else 4
    integers = L.IntegerLookup(vocabulary=[7, 9, 13], output_mode=mode, name="found")
    strings = L.StringLookup(vocabulary=["a", "b", "c"], output_mode=mode, name="found")
    rng = np.random.default_rng(0)
    for layer, feed in (
        (integers, rng.choice([7, 9, 13, 99], (3, width))),
        (strings, rng.choice(["a", "b", "c", "unknown"], (3, width))),
    ):
        native = layers((width,), "int64" if layer is integers else "string", layer)
        model = keras_engine.load(native, LoadOptions())
        check_against(lambda x, native=native: {"found": native(tf.constant(x))}, model, tmp_path, {"x": feed})
