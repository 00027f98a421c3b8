"""TensorFlow, Keras and TensorFlow Lite to ONNX: one trained network in every format, opsets, what is refused.

The expected values are the framework's own (``predict``, the function itself), never this project's engines.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import tensorflow as tf
from tensorflow_conversion import CLOSE, check_against, convert_to_onnx, run_bound

from fixtures.keras_models import L, exported, layers, saved, written
from paritygate.convert import convert
from paritygate.convert.routes.onnx.opset import opset_of
from paritygate.convert.routes.tensorflow import tflite_to_onnx, to_onnx
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.tensorflow import freeze, graphdef, saved_model, tflite
from paritygate.validate.engines.tensorflow import keras as keras_engine
from paritygate.validate.errors import ParityGateError

pytestmark = pytest.mark.xdist_group("tensorflow")


# --- one trained network in every format


def lite(model: Any, samples: np.ndarray[Any, Any] | None = None) -> bytes:
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if samples is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([sample[None]] for sample in samples)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def frozen_graph(model: Any) -> bytes:
    return bytes(keras_engine.load(model, LoadOptions()).freeze().graph_def.SerializeToString())


Case = tuple[Any, Any, Callable[[Any, Path], Any], str, str]

FORMATS: dict[str, Case] = {
    "live": (keras_engine, to_onnx, lambda model, folder: model, "image", "digit"),
    "keras": (keras_engine, to_onnx, lambda model, folder: saved(model, folder / "m.keras"), "image", "digit"),
    "h5": (keras_engine, to_onnx, lambda model, folder: saved(model, folder / "m.h5"), "image", "digit"),
    "saved_model": (saved_model, to_onnx, lambda model, folder: exported(model, folder / "m"), "image", "output_0"),
    "graphdef": (
        graphdef,
        to_onnx,
        lambda model, folder: written(frozen_graph(model), folder / "m.pb"),
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


@pytest.mark.parametrize("name", FORMATS)
def test_trained_network_in_every_format(name: str, network: Any, digits: Any, tmp_path: Path) -> None:
    """Names are kept, the batch is dynamic, and ONNX Runtime agrees with Keras."""
    engine, route, make, image, digit = FORMATS[name]
    model = engine.load(make(network, tmp_path), LoadOptions())
    candidate, session = convert_to_onnx(model, tmp_path, route=route)
    assert [str(spec) for spec in session.signature.inputs] == [f"{image}: float32[batch, 8, 6, 1]"]
    assert [str(spec) for spec in session.signature.outputs] == [f"{digit}: float32[batch, 10]"]
    assert model.signature == session.signature
    for batch in (1, 7):
        expected = network.predict(digits[0][:batch], verbose=0)
        feed = {image: digits[0][:batch]}
        np.testing.assert_allclose(model.run(feed)[digit], expected, **CLOSE)
        np.testing.assert_allclose(run_bound(candidate, session, feed)[digit], expected, **CLOSE)


@pytest.mark.parametrize("name", ["live", "saved_model"])
def test_whole_conversion(name: str, network: Any, digits: Any, tmp_path: Path) -> None:
    """The library's convert on real data: in this process for a live model, in a worker for a folder."""
    _, _, make, image, _ = FORMATS[name]
    samples = tmp_path / "digits.npz"
    np.savez(samples, **{image: digits[0][:40]})
    result = convert(make(network, tmp_path), tmp_path / "out.onnx", samples=samples)
    assert result.report.passed, str(result)
    assert result.path == tmp_path / "out.onnx"


def test_quantised_tflite_keeps_its_integers(network: Any, digits: Any, tmp_path: Path) -> None:
    """int8 in, int8 out, and the integers agree, except for the quantised softmax's rounding, which may be off by 1."""
    path = written(lite(network, digits[0][:100]), tmp_path / "m.tflite")
    model = tflite.load(path, LoadOptions())
    assert [spec.dtype for spec in (*model.signature.inputs, *model.signature.outputs)] == ["int8", "int8"]
    candidate, engine = convert_to_onnx(model, tmp_path, route=tflite_to_onnx)
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


def test_activations_that_tflite_rounds_as_it_runs_are_named(tmp_path: Path) -> None:
    """Weights in int8, activations in float: the file's own arithmetic isn't that of its float weights."""
    inputs = tf.keras.Input((64,), name="x")
    dense = tf.keras.Model(inputs, L.Dense(32, name="y")(L.Dense(64, activation="relu")(inputs)))
    converter = tf.lite.TFLiteConverter.from_keras_model(dense)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    model = tflite.load(written(converter.convert(), tmp_path / "d.tflite"), LoadOptions())
    assert any("rounds the activations of 2 FULLY_CONNECTED to int8" in note for note in model.notes)
    assert tflite.load(written(lite(dense), tmp_path / "f.tflite"), LoadOptions()).notes == ()


class Stream(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
    """Adds up what it is given, from call to call."""

    def __init__(self) -> None:
        self.total = tf.Variable(tf.zeros((1, 4)))

    @tf.function(input_signature=[tf.TensorSpec([1, 4], tf.float32, name="x")])
    def __call__(self, x: Any) -> Any:
        return {"y": tf.tanh(self.total.assign_add(x))}


def test_state_of_a_tflite_model_is_named(tmp_path: Path) -> None:
    stream = Stream()
    tf.saved_model.save(stream, str(tmp_path / "s"), signatures=stream.__call__.get_concrete_function())
    converter = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / "s"))
    converter.experimental_enable_resource_variables = True
    model = tflite.load(written(converter.convert(), tmp_path / "s.tflite"), LoadOptions())
    with pytest.raises(ParityGateError, match="state in variables") as error:
        convert_to_onnx(model, tmp_path, route=tflite_to_onnx)
    assert error.value.code == "PG404"
    assert "ASSIGN_VARIABLE" in error.value.cause


SPARSE = tf.lite.Optimize.EXPERIMENTAL_SPARSITY


def pruned(layer: str, pattern: str) -> Any:
    """Three of four weights are 0: singly, in blocks of four inputs (as the kernels want them), or whole inputs."""
    inputs = tf.keras.Input((64,) if layer == "dense" else (5, 5, 64), name="x")
    made = L.Dense(48, name="y") if layer == "dense" else L.Conv2D(48, 1, name="y")
    model = tf.keras.Model(inputs, made(inputs))
    kernel, bias = made.get_weights()
    rng = np.random.default_rng(0)
    kept = {
        "single": rng.random((64, 48)) < 0.25,
        "blocks": np.repeat(rng.random((4, 48)) < 0.25, 16, axis=0),
        "inputs": np.repeat(np.arange(64)[:, None] % 4 == 0, 48, axis=1),
    }[pattern]
    made.set_weights([kernel * kept, bias + 1])
    return model


@pytest.mark.parametrize(
    ("layer", "pattern", "numbers"),
    [
        ("dense", "single", "float32"),
        ("dense", "blocks", "float32"),
        ("dense", "blocks", "int8"),
        ("conv", "inputs", "float16"),
        ("conv", "single", "int8"),  # refused by the interpreter's accelerator
    ],
)
def test_sparse_tflite_is_what_the_dense_file_is(layer: str, pattern: str, numbers: str, tmp_path: Path) -> None:
    """Against the file of the same model without sparsity: int8's own rounding of activations is in neither."""
    network, outputs = pruned(layer, pattern), []
    for sparsity in ([SPARSE], []):
        converter = tf.lite.TFLiteConverter.from_keras_model(network)
        converter.optimizations = [*sparsity, *([] if numbers == "float32" else [tf.lite.Optimize.DEFAULT])]
        converter.target_spec.supported_types = [tf.float16] if numbers == "float16" else []
        model = tflite.load(written(converter.convert(), tmp_path / f"{len(sparsity)}.tflite"), LoadOptions())
        candidate, engine = convert_to_onnx(model, tmp_path, route=tflite_to_onnx)
        shape = [1, *network.input_shape[1:]]
        feed = {"x": np.random.default_rng(1).standard_normal(shape).astype(np.float32)}
        outputs.append((next(iter(run_bound(candidate, engine, feed).values())), network(feed["x"]).numpy()))
    (found, expected), (from_dense, _) = outputs
    np.testing.assert_allclose(found, from_dense, **CLOSE)
    rounding = {"float32": 1e-5, "float16": 1e-3, "int8": 2e-2}[numbers]  # of the weights, which are below 0.3
    np.testing.assert_allclose(found, expected, rtol=0, atol=rounding)


@pytest.mark.parametrize(("allowed", "name"), [(True, "MatrixDeterminant"), (False, "FlexMatrixDeterminant")])
def test_operators_that_the_interpreter_lacks_are_named(allowed: bool, name: str, tmp_path: Path) -> None:
    spec = tf.TensorSpec([2, 3, 3], tf.float32, name="x")
    function = tf.function(tf.linalg.det, input_signature=[spec]).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function])
    converter.allow_custom_ops = allowed
    if not allowed:
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
    with pytest.raises(ParityGateError) as error:
        tflite.load(written(converter.convert(), tmp_path / "m.tflite"), LoadOptions())
    assert error.value.code == "PG402"
    assert error.value.cause.endswith(f"interpreter lacks: {name}")


# --- opsets


@pytest.mark.parametrize("opset", [9, 13, 18, 21, 23])
def test_opset(opset: int, network: Any, digits: Any, tmp_path: Path) -> None:
    """tf2onnx writes opsets up to 18; our own rules do the rest."""
    candidate, engine = convert_to_onnx(keras_engine.load(network, LoadOptions()), tmp_path, opset)
    assert opset_of(onnx.load(candidate.path)) == opset
    actual = run_bound(candidate, engine, {"image": digits[0][:9]})
    np.testing.assert_allclose(actual["digit"], network.predict(digits[0][:9], verbose=0), **CLOSE)


# --- beyond 2 GB


def test_weights_too_large_for_one_message(
    network: Any, digits: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same path with a smaller limit: weights are detached from the graph and restored in the ONNX file."""
    monkeypatch.setattr(freeze, "MESSAGE_LIMIT", 1000)
    model = keras_engine.load(network, LoadOptions())
    assert len(model.freeze().detached) == 1  # the dense layer's; the convolution's kernel has 288 bytes
    feed = {"image": digits[0][:5]}
    check_against(lambda image: {"digit": network.predict(image, verbose=0)}, model, tmp_path, feed)


# --- what must be refused


def test_unsupported_operators_are_named_with_their_layers(tmp_path: Path) -> None:
    native = layers((1,), "string", L.TextVectorization(vocabulary=["a"], name="split_words"))
    with pytest.raises(ParityGateError) as error:
        convert_to_onnx(keras_engine.load(native, LoadOptions()), tmp_path)
    assert error.value.code == "PG404"
    assert "StringSplitV2" in error.value.subject
    assert "split_words" in error.value.cause
    assert not (tmp_path / "model.onnx").exists()
