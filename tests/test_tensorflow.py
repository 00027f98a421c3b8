"""TensorFlow, Keras and TensorFlow Lite as sources: what loads, what is refused, and what becomes of it in ONNX.

The expected values are the framework's own (``predict``, the function itself), never this project's engines.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import pytest
import tensorflow as tf
from sklearn.datasets import load_digits

from paritygate.convert import ParityGateError, convert
from paritygate.convert.routes.base import Candidate, ConvertOptions
from paritygate.convert.routes.onnx.opset import opset_of
from paritygate.convert.routes.tensorflow import tflite_to_onnx
from paritygate.convert.routes.tensorflow import to_onnx as tf_to_onnx
from paritygate.validate.engines import onnxruntime
from paritygate.validate.engines.base import LoadOptions, Model
from paritygate.validate.engines.names import unique
from paritygate.validate.engines.tensorflow import freeze as tf_freeze
from paritygate.validate.engines.tensorflow import graphdef, saved_model, tflite
from paritygate.validate.engines.tensorflow import keras as keras_engine
from paritygate.validate.signature import TensorSpec

pytestmark = pytest.mark.xdist_group("tensorflow")

L = keras.layers
Arrays = Mapping[str, np.ndarray[Any, Any]]

CLOSE = {"rtol": 1e-5, "atol": 1e-6}
"""Float32 sums of a few dozen terms in another order: a few units in the last place of values around 1."""

PUBLISHED = Path(find_spec("basic_pitch").origin).parent / "saved_models/icassp_2022"  # type: ignore[union-attr,arg-type]
"""A SavedModel that somebody else trained and published, with its TensorFlow Lite twin."""


# --- helpers


def to_onnx(
    model: Model, folder: Path, opset: int | None = None, route: Any = tf_to_onnx
) -> tuple[Candidate, onnxruntime.OnnxModel]:
    candidate = route.convert(model, folder / "model.onnx", ConvertOptions(opset))
    return candidate, onnxruntime.load(candidate.path, LoadOptions())


def run_bound(candidate: Candidate, engine: onnxruntime.OnnxModel, feed: Arrays) -> dict[str, Any]:
    """The candidate's outputs under the source's names."""
    outputs = engine.run({name: feed[source] for name, source in candidate.inputs.items()})
    return {source: outputs[name] for name, source in candidate.outputs.items()}


def check_against(
    expected: Callable[..., Any], model: Model, folder: Path, *feeds: Arrays, tolerance: Mapping[str, float] = CLOSE
) -> Candidate:
    """Convert, run on each feed, and compare every output with what ``expected(**feed)`` gives by name."""
    candidate, engine = to_onnx(model, folder)
    for feed in feeds:
        actual = run_bound(candidate, engine, feed)
        for name, value in expected(**feed).items():
            value = np.asarray(value)
            assert actual[name].shape == value.shape, name
            assert actual[name].dtype == value.dtype, name
            np.testing.assert_allclose(actual[name], value, err_msg=name, **tolerance)
    return candidate


def normal(*shape: int, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def code_of(error: pytest.ExceptionInfo[ParityGateError]) -> str:
    return error.value.code


# --- one trained network in every format


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Handwritten digits without their outer columns: 8 x 6, so that swapped axes are seen."""
    images, labels = load_digits(return_X_y=True)
    return images.reshape(-1, 8, 8)[:, :, 1:7, None].astype(np.float32), labels


@pytest.fixture(scope="module")
def network(digits: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]) -> Any:
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((8, 6, 1), name="image"),
            L.Rescaling(1 / 16),
            L.Conv2D(8, 3, padding="same", activation="relu"),
            L.BatchNormalization(),
            L.MaxPooling2D(2),
            L.Dropout(0.3),
            L.Flatten(),
            L.Dense(10, activation="softmax", name="digit"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(*digits, epochs=6, verbose=0)
    assert model.evaluate(*digits, verbose=0)[1] > 0.9  # a network that learned nothing would prove nothing
    return model


def lite(model: Any, samples: np.ndarray[Any, Any] | None = None) -> bytes:
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if samples is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([sample[None]] for sample in samples)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def frozen(model: Any) -> bytes:
    return bytes(keras_engine.load(model, LoadOptions()).freeze().graph_def.SerializeToString())


Case = tuple[Any, Any, Callable[[Any, Path], Any], str, str]
FORMATS: dict[str, Case] = {
    "live": (keras_engine, tf_to_onnx, lambda model, folder: model, "image", "digit"),
    "keras": (keras_engine, tf_to_onnx, lambda model, folder: saved(model, folder / "m.keras"), "image", "digit"),
    "h5": (keras_engine, tf_to_onnx, lambda model, folder: saved(model, folder / "m.h5"), "image", "digit"),
    "saved_model": (saved_model, tf_to_onnx, lambda model, folder: exported(model, folder / "m"), "image", "output_0"),
    "graphdef": (
        graphdef,
        tf_to_onnx,
        lambda model, folder: written(frozen(model), folder / "m.pb"),
        "tensors_0",
        "paritygate/output_0",
    ),
    "tflite": (
        tflite,
        tflite_to_onnx,
        lambda model, folder: written(lite(model), folder / "m.tflite"),
        "image",
        "output_0",
    ),
}


def saved(model: Any, path: Path) -> Path:
    model.save(path)
    return path


def exported(model: Any, path: Path) -> Path:
    model.export(path, verbose=False)
    return path


def written(content: bytes, path: Path) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", FORMATS)
def test_trained_network_in_every_format(name: str, network: Any, digits: Any, tmp_path: Path) -> None:
    """Names are kept, the batch stays dynamic, and ONNX Runtime predicts what Keras does."""
    engine, route, make, image, digit = FORMATS[name]
    model = engine.load(make(network, tmp_path), LoadOptions())
    candidate, session = to_onnx(model, tmp_path, route=route)
    assert [str(spec) for spec in session.signature.inputs] == [f"{image}: float32[batch, 8, 6, 1]"]
    assert [str(spec) for spec in session.signature.outputs] == [f"{digit}: float32[batch, 10]"]
    assert model.signature == session.signature
    for batch in (1, 7):
        expected = network.predict(digits[0][:batch], verbose=0)
        feed = {image: digits[0][:batch]}
        np.testing.assert_allclose(model.run(feed)[digit], expected, **CLOSE)
        np.testing.assert_allclose(run_bound(candidate, session, feed)[digit], expected, **CLOSE)


@pytest.mark.parametrize("name", ["live", "saved_model"])
def test_the_whole_gate(name: str, network: Any, digits: Any, tmp_path: Path) -> None:
    """The library's own convert on real data: here for a live model, in a worker for a folder."""
    _, _, make, image, _ = FORMATS[name]
    samples = tmp_path / "digits.npz"
    np.savez(samples, **{image: digits[0][:40]})
    result = convert(make(network, tmp_path), tmp_path / "out.onnx", samples=samples)
    assert result.report.passed, str(result)
    assert result.path == tmp_path / "out.onnx"


def test_quantised_tflite_keeps_its_integers(network: Any, digits: Any, tmp_path: Path) -> None:
    """int8 in, int8 out, and the integers agree, but for roundings of the quantised softmax, which are 1 off."""
    path = written(lite(network, digits[0][:100]), tmp_path / "m.tflite")
    model = tflite.load(path, LoadOptions())
    assert [spec.dtype for spec in (*model.signature.inputs, *model.signature.outputs)] == ["int8", "int8"]
    candidate, engine = to_onnx(model, tmp_path, route=tflite_to_onnx)
    interpreter = tf.lite.Interpreter(model_path=str(path))
    detail, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    scale, zero = detail["quantization"]
    for image in digits[0][:20]:
        quantised = np.clip(np.round(image[None] / scale + zero), -128, 127).astype(np.int8)
        interpreter.allocate_tensors()
        interpreter.set_tensor(detail["index"], quantised)
        interpreter.invoke()
        expected = interpreter.get_tensor(result["index"]).astype(int)
        actual = run_bound(candidate, engine, {"image": quantised})["output_0"]
        assert actual.dtype == np.int8
        assert np.abs(actual.astype(int) - expected).max() <= 1


# --- layers that converters get wrong

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
    """Two batch sizes, random biases, and the declared shapes are the ones that come out."""
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
    """ONNX Runtime would let the pool pad by itself, with minus infinity: seen where all inputs are negative."""
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
    """Where the values are hard: near 0, at the edges of bins, at infinity; so only the relative error counts.

    Except for erfc, which ONNX has only as 1 - erf: exact to the spacing of float32 at 1, but not of its small values.
    """
    function, values = FUNCTIONS[name]
    wrapped = tf.function(lambda x: {"y": function(x)})
    model = saved_model.load(wrapped.get_concrete_function(tf.TensorSpec([len(values)], tf.float32)), LoadOptions())
    tolerance = {"rtol": 1e-5, "atol": 1e-7 if name == "erfc" else 0}
    feed = {"x": np.array(values, np.float32)}
    check_against(lambda x: {"y": function(tf.constant(x))}, model, tmp_path, feed, tolerance=tolerance)


@pytest.mark.parametrize("mode", ["int", "one_hot", "multi_hot", "count"])
def test_lookups_keep_their_rows(mode: str, tmp_path: Path) -> None:
    """Behind a lookup TensorFlow forgets the rank, and tf2onnx then counts all rows as one."""
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


# --- names and structures


def two_inputs() -> tuple[Any, Any, Any]:
    left, right = keras.Input((6,), name="left"), keras.Input((4,), name="right")
    return left, right, L.Concatenate()([left, right])


def list_model() -> Any:
    left, right, both = two_inputs()
    return keras.Model([left, right], [L.Dense(3, name="mean")(both), L.Dense(2, name="scale")(both)])


def dict_model() -> Any:
    left, right, both = two_inputs()
    return keras.Model({"left": left, "right": right}, {"y": L.Dense(3)(both), "nested": [both, L.Dense(2)(both)]})


def echoing_model() -> Any:
    left, right, both = two_inputs()
    return keras.Model({"left": left, "right": right}, {"left": left, "y": L.Dense(3)(both)})


def repeating_model() -> Any:
    left, right, both = two_inputs()
    dense = L.Dense(3, name="d")(both)
    return keras.Model([left, right], [dense, dense])


def forgetful_model() -> Any:
    left, right, _ = two_inputs()
    return keras.Model([left, right], L.Dense(3, name="d")(left))


NAMES = [
    pytest.param(list_model, ["mean", "scale"], ["mean", "scale"], id="list"),
    pytest.param(dict_model, ["nested_0", "nested_1", "y"], ["nested_0", "nested_1", "y"], id="nested dict"),
    pytest.param(echoing_model, ["left", "y"], ["left_1", "y"], id="an output is called like an input"),
    pytest.param(repeating_model, ["d", "d_1"], ["d", "d_1"], id="one tensor is two outputs"),
    pytest.param(forgetful_model, ["d"], ["d"], id="an input is never used"),
]


@pytest.mark.parametrize(("build", "outputs", "in_onnx"), NAMES)
def test_names_are_the_models_own(
    build: Callable[[], Any], outputs: list[str], in_onnx: list[str], tmp_path: Path
) -> None:
    native = build()
    model = keras_engine.load(native, LoadOptions())
    assert [spec.name for spec in model.signature.inputs] == ["left", "right"]
    assert [spec.name for spec in model.signature.outputs] == outputs

    def expected(left: Any, right: Any) -> dict[str, Any]:
        given = {"left": left, "right": right} if isinstance(native.input, dict) else [left, right]
        return dict(zip(outputs, keras.tree.flatten(native(given)), strict=True))

    candidate = check_against(expected, model, tmp_path, {"left": normal(3, 6), "right": normal(3, 4)})
    graph = onnx.load(candidate.path).graph
    assert [port.name for port in graph.input] == ["left", "right"]
    assert [port.name for port in graph.output] == in_onnx
    assert list(candidate.outputs.values()) == outputs


def test_unique_names_do_not_collide_with_later_ones() -> None:
    assert unique(["a", "a", "a_1", "a"]) == ["a", "a_2", "a_1", "a_3"]


class Written(keras.Model):
    """A model written as a class, with an output that depends on ``training``."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.dense, self.drop = L.Embedding(9, 3), L.Dense(2), L.Dropout(0.5)

    def call(self, ids: Any, training: bool | None = None) -> dict[str, Any]:
        found = self.table(ids)
        return {"found": found, "scores": self.drop(self.dense(found), training=training)}


def test_model_written_as_a_class(tmp_path: Path) -> None:
    """Its input is what the user shows; its embedding bounds the samples though there is no graph of layers."""
    native = Written()
    feed = {"ids": np.array([[0, 8, 3]], np.int32)}
    model = keras_engine.load(native, LoadOptions(example=feed))
    assert [str(spec) for spec in model.signature.inputs] == ["ids: int32[batch, 3]"]
    assert [(hint.name, int(hint.high)) for hint in model.hints()] == [("ids", 8)]  # type: ignore[arg-type]
    check_against(lambda ids: native(ids, training=False), model, tmp_path, feed)


def test_model_that_was_never_called_says_so() -> None:
    with pytest.raises(ParityGateError) as error:
        keras_engine.load(Written(), LoadOptions())
    assert code_of(error) == "PG206"
    assert "never called" in error.value.cause


def test_dynamic_axis_on_demand(tmp_path: Path) -> None:
    x = keras.Input((5, 4), name="x")
    native = keras.Model(x, L.Conv1D(3, 2, name="c")(x))
    model = keras_engine.load(native, LoadOptions(dynamic=(("x", 1),)))
    assert model.signature.inputs[0].shape == ("batch", "x_1", 4)
    free = keras.Sequential([keras.Input((None, 4)), *native.layers[1:]])
    check_against(lambda x: {"c": free(x)}, model, tmp_path, {"x": normal(2, 5, 4)}, {"x": normal(3, 11, 4)})
    with pytest.raises(ParityGateError, match="no such axis"):
        keras_engine.load(native, LoadOptions(dynamic=(("x", 3),)))


# --- hints


def layers(shape: tuple[int, ...], dtype: str, *stack: Any) -> Any:
    return keras.Sequential([keras.Input(shape, dtype=dtype, name="x"), *stack])


HINTS = [
    pytest.param(lambda: layers((5,), "int32", L.Embedding(11, 4)), {"low": 0, "high": 10}, id="embedding"),
    pytest.param(lambda: layers((5,), "int32", L.CategoryEncoding(7)), {"low": 0, "high": 6}, id="category"),
    pytest.param(lambda: layers((5, 4, 3), "float32", L.Rescaling(1 / 255)), {"low": 0, "high": 255}, id="bytes"),
    pytest.param(
        lambda: layers((5, 4, 3), "float32", layers((5, 4, 3), "float32", L.Rescaling(1 / 255))),
        {"low": 0, "high": 255},
        id="bytes, in a nested model",
    ),
    pytest.param(
        lambda: layers((2,), "string", L.StringLookup(vocabulary=["a", "b"])), {"vocabulary": ("a", "b")}, id="strings"
    ),
    pytest.param(
        lambda: layers((2,), "int64", L.IntegerLookup(vocabulary=[7, 9])), {"vocabulary": (7, 9)}, id="integers"
    ),
]


@pytest.mark.parametrize(("build", "expected"), HINTS)
def test_hints_of_layers_and_of_graphs_agree(
    build: Callable[[], Any], expected: dict[str, Any], tmp_path: Path
) -> None:
    """What a Keras model's layers say, its SavedModel's graph says too; only encodings don't show there."""
    native = build()
    for model in (
        keras_engine.load(native, LoadOptions()),
        saved_model.load(exported(native, tmp_path), LoadOptions()),
    ):
        hints = model.hints()
        if not hints and isinstance(native.layers[0], L.CategoryEncoding) and model.native is not native:
            continue
        assert [hint.name for hint in hints] == ["x"]
        assert {field: _plain(getattr(hints[0], field)) for field in expected} == expected


def _plain(value: Any) -> Any:
    return set_order(value) if isinstance(value, tuple) else value.item()


def set_order(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(sorted(values))


# --- SavedModels


class TwoSignatures(tf.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = tf.Variable(normal(4, 3))
        self.table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(["ja", "nein"], tf.constant([4, 5], tf.int64)), -1
        )

    @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, "features")])
    def score(self, features: Any) -> dict[str, Any]:
        return {"score": features @ self.weight}

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.string, "words")])
    def code(self, words: Any) -> dict[str, Any]:
        return {"code": self.table.lookup(words)}


@pytest.fixture(scope="module")
def two_signatures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "model"
    module = TwoSignatures()
    tf.saved_model.save(module, str(folder), signatures={"score": module.score, "code": module.code})
    return folder


def test_each_signature_of_a_saved_model(two_signatures: Path, tmp_path: Path) -> None:
    weight = normal(4, 3)
    score = saved_model.load(two_signatures, LoadOptions(signature="score"))
    check_against(lambda features: {"score": features @ weight}, score, tmp_path, {"features": normal(3, 4)})
    code = saved_model.load(two_signatures, LoadOptions(signature="code"))
    assert [spec.dtype for spec in (*code.signature.inputs, *code.signature.outputs)] == ["str", "int64"]
    candidate, engine = to_onnx(code, tmp_path)
    words = {"words": np.array([["nein", "ja"], ["Ja", ""]])}
    assert (
        run_bound(candidate, engine, words)["code"].tolist() == code.run(words)["code"].tolist() == [[5, 4], [-1, -1]]
    )


def test_signature_must_be_named_where_several_could_be_meant(two_signatures: Path) -> None:
    with pytest.raises(ParityGateError) as error:
        saved_model.load(two_signatures, LoadOptions())
    assert code_of(error) == "PG206"
    assert "code, score" in error.value.remedy
    with pytest.raises(ParityGateError) as error:
        saved_model.load(two_signatures, LoadOptions(signature="train"))
    assert code_of(error) == "PG201"


def test_published_saved_model_that_version_2_cannot_restore(tmp_path: Path) -> None:
    """It comes in through the version 1 loader, with a note, and agrees with its publisher's TensorFlow Lite twin."""
    model = saved_model.load(PUBLISHED / "nmp", LoadOptions())
    assert "could not restore" in model.notes[0]
    twin = tflite.load(PUBLISHED / "nmp.tflite", LoadOptions())
    audio = {"input_2": normal(2, 43844, 1) * 0.1}
    expected = twin.run(audio)
    candidate, engine = to_onnx(model, tmp_path)
    actual = run_bound(candidate, engine, audio)
    assert set(actual) == set(expected) == {"contour", "note", "onset"}
    for name, value in expected.items():
        # the twin's Conv2D sum 36 x 25 products in another order and its sigmoids are approximations
        np.testing.assert_allclose(actual[name], value, rtol=1e-3, atol=1e-4, err_msg=name)


def test_version_1_saved_model_with_shared_tensors(tmp_path: Path) -> None:
    """Reference variables, one tensor under two output names, and an input that is also an output."""
    folder = tmp_path / "v1"
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(tf.float32, [None, 4])
        weight = tf.compat.v1.get_variable("weight", initializer=normal(4, 3), use_resource=False)
        session.run(tf.compat.v1.global_variables_initializer())
        product = tf.matmul(x, weight)
        outputs = {"product": product, "again": product, "echo": x}
        tf.compat.v1.saved_model.simple_save(session, str(folder), {"x": x}, outputs)

    def expected(x: Any) -> dict[str, Any]:
        return {"product": x @ normal(4, 3), "again": x @ normal(4, 3), "echo": x}

    check_against(expected, saved_model.load(folder, LoadOptions()), tmp_path, {"x": normal(3, 4, seed=1)})


def test_live_functions(tmp_path: Path) -> None:
    """A tf.function without a signature takes what is declared; a nested structure gets flat names."""
    weight = tf.Variable(normal(4, 3))
    function = tf.function(lambda a, b: {"sum": a @ weight + b["z"], "parts": (a * 2, b["z"])})
    a, z = tf.TensorSpec([None, 4], tf.float32), tf.TensorSpec([None, 3], tf.float32)
    model = saved_model.load(function.get_concrete_function(a, {"z": z}), LoadOptions())
    assert [spec.name for spec in model.signature.inputs] == ["a", "b_z"]

    def expected(a: Any, b_z: Any) -> dict[str, Any]:
        return {"parts_0": a * 2, "parts_1": b_z, "sum": a @ weight.numpy() + b_z}

    check_against(expected, model, tmp_path, {"a": normal(2, 4), "b_z": normal(2, 3)})
    declared = LoadOptions(inputs=(TensorSpec("x", "float32", ("batch", 4)),))
    check_against(
        lambda x: {"output_0": np.tanh(x)},
        saved_model.load(tf.function(tf.tanh), declared),
        tmp_path,
        {"x": normal(2, 4)},
    )
    with pytest.raises(ParityGateError) as error:
        saved_model.load(tf.function(tf.tanh), LoadOptions())
    assert code_of(error) == "PG206"


# --- frozen graphs


def small_graph() -> Any:
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, None, name="x")
        y = tf.identity(tf.nn.relu(x, name="inner") * 2.0, name="y")
        tf.math.top_k(y, k=2, name="best")
    return graph.as_graph_def()


def test_graphdef_takes_shapes_and_cuts_from_the_user(tmp_path: Path) -> None:
    """Without a shape tf2onnx would take x for a scalar; inputs may also be tensors in the middle of the graph."""
    path = written(small_graph().SerializeToString(), tmp_path / "g.pb")
    bare = graphdef.load(path, LoadOptions())
    assert [spec.name for spec in bare.signature.outputs] == ["best", "best_1"]
    with pytest.raises(ParityGateError) as error:
        to_onnx(bare, tmp_path)
    assert code_of(error) == "PG206"
    for name, before in (("x", np.maximum), ("inner", lambda value, _: value)):
        given = LoadOptions(inputs=(TensorSpec(name, "float32", ("batch", 5)),))

        def expected(before: Any = before, **feed: Any) -> dict[str, Any]:
            values, indices = tf.math.top_k(before(*feed.values(), 0) * 2, k=2)
            return {"best": values, "best_1": indices}

        check_against(expected, graphdef.load(path, given), tmp_path, {name: normal(3, 5)})


# --- opsets


@pytest.mark.parametrize("opset", [9, 13, 18, 21, 23])
def test_opset(opset: int, network: Any, digits: Any, tmp_path: Path) -> None:
    """tf2onnx ends at 18; ONNX's version converter goes on."""
    candidate, engine = to_onnx(keras_engine.load(network, LoadOptions()), tmp_path, opset)
    assert opset_of(onnx.load(candidate.path)) == opset
    actual = run_bound(candidate, engine, {"image": digits[0][:9]})
    np.testing.assert_allclose(actual["digit"], network.predict(digits[0][:9], verbose=0), **CLOSE)


def test_opset_out_of_reach(network: Any, tmp_path: Path) -> None:
    with pytest.raises(ParityGateError) as error:
        to_onnx(keras_engine.load(network, LoadOptions()), tmp_path, 99)
    assert code_of(error) == "PG408"


# --- beyond 2 GB


def test_weights_too_large_for_one_message(
    network: Any, digits: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same path with a smaller limit: weights are kept apart from the graph and come back in the ONNX file."""
    monkeypatch.setattr(tf_freeze, "MESSAGE_LIMIT", 1000)
    model = keras_engine.load(network, LoadOptions())
    assert len(model.freeze().detached) == 1  # the dense layer's; the convolution's kernel has 288 bytes
    feed = {"image": digits[0][:5]}
    check_against(lambda image: {"digit": network.predict(image, verbose=0)}, model, tmp_path, feed)


# --- what must be refused


def test_unsupported_operators_are_named_with_their_layers(tmp_path: Path) -> None:
    native = layers((1,), "string", L.TextVectorization(vocabulary=["a"], name="split_words"))
    with pytest.raises(ParityGateError) as error:
        to_onnx(keras_engine.load(native, LoadOptions()), tmp_path)
    assert code_of(error) == "PG404"
    assert "StringSplitV2" in error.value.subject
    assert "split_words" in error.value.cause
    assert not (tmp_path / "model.onnx").exists()


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_lambda_layers_need_trust(suffix: str, tmp_path: Path) -> None:
    native = layers((3,), "float32", L.Lambda(lambda x: x * 3.0))
    path = saved(native, tmp_path / f"m{suffix}")
    with pytest.raises(ParityGateError) as error:
        keras_engine.load(path, LoadOptions())
    assert code_of(error) == "PG501"
    trusted = keras_engine.load(path, LoadOptions(trust=True))
    np.testing.assert_allclose(*trusted.run({"x": np.ones((1, 3), np.float32)}).values(), np.full((1, 3), 3.0))


def damaged(folder: Path, network: Any) -> Iterator[tuple[Any, Path]]:
    """(engine, file) pairs of files that look right from afar."""
    yield graphdef, written(b"no graph at all", folder / "text.pb")
    yield graphdef, written(b"", folder / "empty.pb")
    yield tflite, written(b"\x1c\0\0\0TFL3" + bytes(40), folder / "bad.tflite")
    yield keras_engine, written(b"PK\x03\x04", folder / "bad.keras")
    yield keras_engine, written(b"\x89HDF\r\n\x1a\n" + bytes(64), folder / "bad.h5")
    with zipfile.ZipFile(folder / "hollow.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    yield keras_engine, folder / "hollow.keras"
    whole = exported(network, folder / "whole")
    yield graphdef, whole / "saved_model.pb"
    for name in ("variables.index", "variables.data-00000-of-00001"):
        part = exported(network, folder / name.replace(".", "_"))
        (part / "variables" / name).unlink()
        yield saved_model, part
    scrambled = exported(network, folder / "scrambled")
    written(b"\xff" * 99, scrambled / "saved_model.pb")
    yield saved_model, scrambled


def test_damaged_files_are_refused_by_name(network: Any, tmp_path: Path) -> None:
    for engine, path in damaged(tmp_path, network):
        with pytest.raises(ParityGateError) as error:
            engine.load(path, LoadOptions())
        assert code_of(error) == "PG402", path
        assert path.name in error.value.subject
