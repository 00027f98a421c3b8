"""Keras and TensorFlow models."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np

from fixtures.train import keras_cnn

from .models import Source

L = keras.layers


def _saved(make: Callable[[], Any]) -> Callable[[Path], Source]:
    """Random weights with a fixed seed, and biases other than zero, so that dropping one changes the outputs."""

    def build(folder: Path) -> Source:
        keras.utils.set_random_seed(7)
        model = make()
        rng = np.random.default_rng(7)
        for weight in model.weights:
            if weight.path.rsplit("/", 1)[-1] in {"bias", "beta"}:
                weight.assign(weight.numpy() + rng.normal(0, 0.2, weight.shape))
        path = folder / "source.keras"
        model.save(path)
        return Source(path)

    return build


def _text_lstm() -> Any:
    tokens = keras.Input((20,), dtype="int32", name="tokens")
    x = L.LSTM(24)(L.Embedding(200, 16)(tokens))
    return keras.Model(tokens, L.Dense(3, activation="softmax", name="topic")(x))


def _bidirectional_gru() -> Any:
    signal = keras.Input((16, 6), name="signal")
    x = L.Bidirectional(L.GRU(12, return_sequences=True))(signal)
    x = L.Bidirectional(L.GRU(8))(x)
    return keras.Model(signal, L.Dense(4, name="state")(x))


def _transformer_block() -> Any:
    tokens = keras.Input((12,), dtype="int32", name="tokens")
    x = L.Embedding(64, 32)(tokens)
    for _ in range(2):
        x = L.LayerNormalization(epsilon=1e-6)(x + L.MultiHeadAttention(4, 8)(x, x))
        x = L.LayerNormalization(epsilon=1e-6)(x + L.Dense(32)(L.Dense(64, activation="gelu")(x)))
    return keras.Model(tokens, L.Dense(5, name="logits")(L.GlobalAveragePooling1D()(x)))


def _mobilenet_v2() -> Any:
    """Random weights; one pass over noise in training mode brings the moving statistics close to the data's."""
    settings = {"input_shape": (96, 96, 3), "classes": 10, "classifier_activation": None}
    model = keras.applications.MobileNetV2(alpha=0.35, weights=None, **settings)
    for layer in model._flatten_layers():
        if isinstance(layer, L.BatchNormalization):
            layer.momentum = 0.0
    model(np.random.default_rng(0).uniform(-1, 1, (8, 96, 96, 3)).astype(np.float32), training=True)
    return model


def _efficientnet() -> Any:
    """The smallest of the family, at a small size."""
    return keras.applications.EfficientNetB0(weights=None, input_shape=(64, 64, 3), classes=8)


def _two_heads() -> Any:
    image = keras.Input((24, 24, 3), name="image")
    x = L.Conv2D(8, 3, strides=2, padding="same", activation="relu")(image)
    x = L.AveragePooling2D(3, strides=1, padding="same")(x)
    x = L.LeakyReLU(0.2)(L.SeparableConv2D(12, 3, padding="same")(x))
    wide = L.Conv2D(2, 3, padding="same")(L.UpSampling2D(2, interpolation="bilinear")(x))
    score = L.Dense(6, activation="softmax")(L.GlobalMaxPooling2D()(x))
    return keras.Model(image, {"mask": L.Activation("sigmoid")(wide), "kind": score})


def _digits(folder: Path) -> Source:
    return Source(keras_cnn(folder))


def _basic_pitch(_: Path) -> Source:
    package = find_spec("basic_pitch")
    assert package is not None
    assert package.origin is not None
    return Source(Path(package.origin).parent / "saved_models" / "icassp_2022" / "nmp")


MODELS: dict[str, Callable[[Path], Source]] = {
    "digits-cnn": _digits,
    "text-lstm": _saved(_text_lstm),
    "bidirectional-gru": _saved(_bidirectional_gru),
    "transformer-block": _saved(_transformer_block),
    "mobilenet-v2": _saved(_mobilenet_v2),
    "two-heads": _saved(_two_heads),
    "basic-pitch": _basic_pitch,
    "efficientnet": _saved(_efficientnet),
}
