"""Keras layers, each in a small model of its own, and whole architectures of keras.applications."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np

from .table import Entry, Target, outcome

L = keras.layers
Builder = Callable[[], Any]

WHOLE_TARGETS = ("ONNX", "mlpackage fp32")
"""What whole architectures are converted to: minutes each, and their layers are measured in the other targets."""

IMAGE, VOLUME, SEQUENCE, VECTOR = (9, 7, 3), (5, 6, 7, 2), (6, 5), (6,)
"""Shapes without the batch axis; all axes differ in length, so that swapped axes are detected."""


def entries(targets: Sequence[Target], wanted: Callable[[str, str], bool]) -> Iterator[Entry]:
    """Every layer to each target, and every architecture to ONNX and to float32 programs."""
    for name, build in LAYERS.items():
        chosen = [target for target in targets if wanted(name, target.name)]
        yield from _entries("Keras layers", name, lambda build=build: _scattered(build()), chosen)
    for name in APPLICATIONS:
        chosen = [target for target in targets if target.name in WHOLE_TARGETS and wanted(name, target.name)]
        yield from _entries("keras.applications", name, lambda name=name: _application(name), chosen)


def _entries(group: str, name: str, build: Builder, targets: Sequence[Target]) -> Iterator[Entry]:
    if not targets:
        return
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    model = build()
    for target in targets:
        yield Entry(group, name, target.name, *outcome(model, target))


def _scattered(model: Any) -> Any:
    """Replace new biases of 0 and scales of 1 by random values, so that a converter can't drop them unnoticed."""
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if "seed" in weight.path or not weight.dtype.startswith("float"):
            continue
        if "variance" in weight.path:
            weight.assign(rng.uniform(0.5, 2, weight.shape))
        elif weight.path.rsplit("/", 1)[-1] in {"bias", "beta", "gamma", "moving_mean", "mean", "alpha", "scale"}:
            weight.assign(rng.normal(0.5, 0.5, weight.shape))
    return model


def _application(name: str) -> Any:
    """An architecture with random weights, whose normalisations have seen data.

    Otherwise untrained activations vanish from layer to layer, and any two networks would agree: one pass in training
    mode with a small momentum brings the moving statistics close to those of random images. (With a momentum of 0,
    channels that hardly vary are amplified until float32's rounding depends on the other rows of the batch.)
    ConvNeXt's scales start at 1e-6, which disables its blocks.
    """
    model = getattr(keras.applications, name)(
        weights=None, input_shape=(96, 80, 3), classes=10, classifier_activation=None
    )
    layers = list(model._flatten_layers())
    for layer in layers:
        if isinstance(layer, L.BatchNormalization):
            layer.momentum = 0.1
        if type(layer).__name__ == "LayerScale":
            layer.gamma.assign(np.full(layer.gamma.shape, 0.5))
    model(np.random.default_rng(0).uniform(0, 255, (8, 96, 80, 3)).astype(np.float32), training=True)
    return model


def _on(shape: tuple[int | None, ...], layer: Any, dtype: str = "float32") -> Any:
    x = keras.Input(shape, dtype=dtype, name="x")
    return keras.Model(x, layer(x))


def _merge(layer: Any) -> Any:
    a, b = keras.Input(VECTOR, name="a"), keras.Input(VECTOR, name="b")
    return keras.Model([a, b], layer([a, b]))


def _attend(layer: Any, together: bool) -> Any:
    """``together``: query and value are one list argument instead of two arguments."""
    query, value = keras.Input((6, 8), name="query"), keras.Input((5, 8), name="value")
    return keras.Model([query, value], layer([query, value]) if together else layer(query, value))


def _adapted(shape: tuple[int, ...], layer: Any) -> Any:
    layer.adapt(np.random.default_rng(0).normal(3, 2, (50, *shape)))
    return _on(shape, layer)


def _masked_sequence() -> Any:
    return keras.Sequential([keras.Input((6,), dtype="int32"), L.Embedding(11, 4, mask_zero=True), L.LSTM(3)])


def _one(shape: tuple[int | None, ...], layers: dict[str, Builder], dtype: str = "float32") -> dict[str, Builder]:
    return {name: lambda make=make: _on(shape, make(), dtype) for name, make in layers.items()}


ACTIVATIONS = (
    "celu", "elu", "exponential", "gelu", "glu", "hard_sigmoid", "hard_shrink", "hard_silu", "hard_tanh", "leaky_relu",
    "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink", "softmax",
    "softplus", "softsign", "sparse_plus", "sparsemax", "squareplus", "tanh", "tanh_shrink",
)  # fmt: skip

LAYERS: dict[str, Builder] = {
    **_one(VECTOR, {f"Activation({name})": lambda name=name: L.Activation(name) for name in ACTIVATIONS}),
    **_one(
        VECTOR,
        {
            "Dense": lambda: L.Dense(4),
            "ReLU": lambda: L.ReLU(max_value=2.0, negative_slope=0.1, threshold=0.2),
            "LeakyReLU": L.LeakyReLU,
            "PReLU": L.PReLU,
            "ELU": L.ELU,
            "Softmax": L.Softmax,
            "BatchNormalization": L.BatchNormalization,
            "LayerNormalization": L.LayerNormalization,
            "RMSNormalization": L.RMSNormalization,
            "UnitNormalization": L.UnitNormalization,
            "Dropout": lambda: L.Dropout(0.5),
            "AlphaDropout": lambda: L.AlphaDropout(0.5),
            "GaussianDropout": lambda: L.GaussianDropout(0.5),
            "GaussianNoise": lambda: L.GaussianNoise(0.5),
            "ActivityRegularization": lambda: L.ActivityRegularization(0.1),
            "RepeatVector": lambda: L.RepeatVector(3),
            "Identity": L.Identity,
            "Lambda": lambda: L.Lambda(lambda x: x * 2 + 1),
        },
    ),
    **_one(
        SEQUENCE,
        {
            "Conv1D": lambda: L.Conv1D(4, 3),
            "Conv1D(causal, dilated)": lambda: L.Conv1D(4, 3, padding="causal", dilation_rate=2),
            "Conv1DTranspose": lambda: L.Conv1DTranspose(4, 3, strides=2, padding="same"),
            "SeparableConv1D": lambda: L.SeparableConv1D(4, 3),
            "DepthwiseConv1D": lambda: L.DepthwiseConv1D(3),
            "MaxPooling1D": lambda: L.MaxPooling1D(2),
            "AveragePooling1D": lambda: L.AveragePooling1D(2, padding="same"),
            "AdaptiveAveragePooling1D": lambda: L.AdaptiveAveragePooling1D(3),
            "AdaptiveMaxPooling1D": lambda: L.AdaptiveMaxPooling1D(4),
            "GlobalMaxPooling1D": L.GlobalMaxPooling1D,
            "GlobalAveragePooling1D": L.GlobalAveragePooling1D,
            "ZeroPadding1D": lambda: L.ZeroPadding1D(2),
            "Cropping1D": lambda: L.Cropping1D(1),
            "UpSampling1D": lambda: L.UpSampling1D(2),
            "SpatialDropout1D": lambda: L.SpatialDropout1D(0.5),
            "Permute": lambda: L.Permute((2, 1)),
            "Reshape": lambda: L.Reshape((5, 6)),
            "Flatten": L.Flatten,
            "EinsumDense": lambda: L.EinsumDense("abc,cd->abd", output_shape=(None, 8), bias_axes="d"),
            "TimeDistributed": lambda: L.TimeDistributed(L.Dense(3)),
            "SimpleRNN": lambda: L.SimpleRNN(4),
            "LSTM": lambda: L.LSTM(4),
            "LSTM(relu, hard_sigmoid, backwards)": lambda: L.LSTM(
                4, activation="relu", recurrent_activation="hard_sigmoid", go_backwards=True, return_sequences=True
            ),
            "LSTM(states)": lambda: L.LSTM(4, return_state=True, return_sequences=True),
            "GRU": lambda: L.GRU(4),
            "GRU(elu, hard_sigmoid)": lambda: L.GRU(4, activation="elu", recurrent_activation="hard_sigmoid"),
            "GRU(reset before)": lambda: L.GRU(4, reset_after=False, return_sequences=True),
            "RNN(stacked cells)": lambda: L.RNN([L.LSTMCell(4), L.GRUCell(3)]),
            "Bidirectional(LSTM)": lambda: L.Bidirectional(L.LSTM(4, return_sequences=True)),
            "Bidirectional(LSTM softsign, mul)": lambda: L.Bidirectional(
                L.LSTM(4, activation="softsign", recurrent_activation="hard_sigmoid"), merge_mode="mul"
            ),
            "Bidirectional(two GRUs)": lambda: L.Bidirectional(
                L.GRU(4, activation="relu"), backward_layer=L.GRU(4, activation="tanh", go_backwards=True)
            ),
        },
    ),
    **_one(
        IMAGE,
        {
            "Conv2D": lambda: L.Conv2D(4, 3, strides=2, padding="same"),
            "Conv2D(groups, dilated)": lambda: L.Conv2D(6, 3, groups=3, dilation_rate=2),
            "Conv2DTranspose": lambda: L.Conv2DTranspose(4, 3, strides=2, padding="same"),
            "Conv2DTranspose(output_padding)": lambda: L.Conv2DTranspose(4, 3, strides=(2, 3), output_padding=1),
            "SeparableConv2D": lambda: L.SeparableConv2D(4, 3),
            "DepthwiseConv2D": lambda: L.DepthwiseConv2D(3, depth_multiplier=2),
            "MaxPooling2D": lambda: L.MaxPooling2D(2, padding="same"),
            "AveragePooling2D": lambda: L.AveragePooling2D((3, 2), strides=2, padding="same"),
            "AdaptiveAveragePooling2D": lambda: L.AdaptiveAveragePooling2D((3, 2)),
            "AdaptiveMaxPooling2D": lambda: L.AdaptiveMaxPooling2D((3, 2)),
            "GlobalMaxPooling2D": lambda: L.GlobalMaxPooling2D(keepdims=True),
            "GlobalAveragePooling2D": L.GlobalAveragePooling2D,
            "GroupNormalization": lambda: L.GroupNormalization(3),
            "SpectralNormalization": lambda: L.SpectralNormalization(L.Conv2D(3, 2)),
            "ZeroPadding2D": lambda: L.ZeroPadding2D(((1, 0), (2, 3))),
            "Cropping2D": lambda: L.Cropping2D(((1, 2), (1, 0))),
            "UpSampling2D": lambda: L.UpSampling2D((2, 3)),
            "UpSampling2D(bilinear)": lambda: L.UpSampling2D(2, interpolation="bilinear"),
            "UpSampling2D(bicubic)": lambda: L.UpSampling2D(2, interpolation="bicubic"),
            "SpatialDropout2D": lambda: L.SpatialDropout2D(0.5),
            "Resizing": lambda: L.Resizing(7, 9),
            "Resizing(nearest)": lambda: L.Resizing(13, 4, interpolation="nearest"),
            "Resizing(bicubic)": lambda: L.Resizing(13, 4, interpolation="bicubic"),
            "Resizing(area)": lambda: L.Resizing(13, 4, interpolation="area"),
            "Resizing(lanczos3)": lambda: L.Resizing(13, 4, interpolation="lanczos3"),
            "Resizing(antialias)": lambda: L.Resizing(4, 3, antialias=True),
            "Resizing(keep aspect)": lambda: L.Resizing(5, 7, crop_to_aspect_ratio=True),
            "CenterCrop": lambda: L.CenterCrop(5, 4),
            "Rescaling": lambda: L.Rescaling(1 / 127.5, offset=-1),
            "RandomFlip": L.RandomFlip,
            "RandomRotation": lambda: L.RandomRotation(0.2),
            "RandomTranslation": lambda: L.RandomTranslation(0.2, 0.2),
            "RandomZoom": lambda: L.RandomZoom(0.2),
            "RandomContrast": lambda: L.RandomContrast(0.2),
            "RandomBrightness": lambda: L.RandomBrightness(0.2),
            "RandomHue": lambda: L.RandomHue(0.1),
            "RandomCrop": lambda: L.RandomCrop(5, 6),
        },
    ),
    **_one(
        VOLUME,
        {
            "Conv3D": lambda: L.Conv3D(4, 2, padding="same"),
            "Conv3DTranspose": lambda: L.Conv3DTranspose(3, 2, strides=2),
            "MaxPooling3D": lambda: L.MaxPooling3D(2),
            "AveragePooling3D": lambda: L.AveragePooling3D(2, padding="same"),
            "AdaptiveAveragePooling3D": lambda: L.AdaptiveAveragePooling3D(2),
            "GlobalMaxPooling3D": L.GlobalMaxPooling3D,
            "GlobalAveragePooling3D": L.GlobalAveragePooling3D,
            "ZeroPadding3D": lambda: L.ZeroPadding3D(1),
            "Cropping3D": lambda: L.Cropping3D(1),
            "UpSampling3D": lambda: L.UpSampling3D(2),
            "ConvLSTM2D": lambda: L.ConvLSTM2D(3, 2, padding="same"),
            "TimeDistributed(Conv2D)": lambda: L.TimeDistributed(L.Conv2D(2, 2)),
        },
    ),
    **_one((4, 6, 2), {"ConvLSTM1D": lambda: L.ConvLSTM1D(3, 2)}),
    **_one((3, 4, 5, 6, 2), {"ConvLSTM3D": lambda: L.ConvLSTM3D(2, 2)}),
    **_one((5,), {"Embedding": lambda: L.Embedding(11, 4)}, "int32"),
    "Embedding(mask), LSTM": _masked_sequence,
    "Masking, LSTM": lambda: keras.Sequential([keras.Input(SEQUENCE), L.Masking(), L.LSTM(4, return_sequences=True)]),
    **{
        layer.__name__: lambda layer=layer: _merge(layer())
        for layer in (L.Add, L.Subtract, L.Multiply, L.Average, L.Maximum, L.Minimum, L.Concatenate)
    },
    "Dot": lambda: _merge(L.Dot(1)),
    "MultiHeadAttention": lambda: _attend(L.MultiHeadAttention(2, 3), together=False),
    "GroupQueryAttention": lambda: _attend(L.GroupQueryAttention(3, 4, 2), together=False),
    "Attention": lambda: _attend(L.Attention(), together=True),
    "AdditiveAttention": lambda: _attend(L.AdditiveAttention(), together=True),
    "Normalization": lambda: _adapted(VECTOR, L.Normalization()),
    "Discretization": lambda: _adapted(VECTOR, L.Discretization(num_bins=5)),
    **_one((4,), {"CategoryEncoding": lambda: L.CategoryEncoding(7, output_mode="multi_hot")}, "int32"),
    **_one(
        (4,),
        {
            "IntegerLookup": lambda: L.IntegerLookup(vocabulary=[7, 9, 13]),
            "IntegerLookup(count)": lambda: L.IntegerLookup(vocabulary=[7, 9, 13], output_mode="count"),
            "StringLookup(invert)": lambda: L.StringLookup(vocabulary=["a", "b"], invert=True),
            "Hashing": lambda: L.Hashing(7),
        },
        "int64",
    ),
    **_one(
        (4,),
        {
            "StringLookup": lambda: L.StringLookup(vocabulary=["a", "b", "c"]),
            "StringLookup(multi_hot)": lambda: L.StringLookup(vocabulary=["a", "b", "c"], output_mode="multi_hot"),
        },
        "string",
    ),
    **_one((1,), {"TextVectorization": lambda: L.TextVectorization(vocabulary=["a", "b"])}, "string"),
    **_one((400,), {"MelSpectrogram": lambda: L.MelSpectrogram(fft_length=64, sequence_stride=16)}),
    **_one((400, 1), {"STFTSpectrogram": lambda: L.STFTSpectrogram(frame_length=64, frame_step=16, fft_length=64)}),
}

APPLICATIONS = (
    "MobileNet",
    "MobileNetV2",
    "MobileNetV3Small",
    "MobileNetV3Large",
    *(f"EfficientNetB{size}" for size in range(8)),
    *(f"EfficientNetV2{size}" for size in ("B0", "B1", "B2", "B3", "S", "M", "L")),
    *(f"ResNet{depth}{version}" for version in ("", "V2") for depth in (50, 101, 152)),
    *(f"DenseNet{depth}" for depth in (121, 169, 201)),
    "Xception",
    "InceptionV3",
    "InceptionResNetV2",
    "NASNetMobile",
    "NASNetLarge",
    "VGG16",
    "VGG19",
    *(f"ConvNeXt{size}" for size in ("Tiny", "Small", "Base", "Large", "XLarge")),
)
