"""Files in the layouts of Keras 1 and 2, written with h5py: they have to give what these versions gave.

The expected values come from numpy, or from Keras 3's own layer with the weights put into its layout by hand.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from fixtures.arrays import normal
from fixtures.keras_models import L
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.tensorflow import keras as engine
from paritygate.validate.engines.tensorflow.legacy.operators import function_named
from paritygate.validate.errors import ParityGateError

pytestmark = pytest.mark.xdist_group("tensorflow")

Array = np.ndarray[Any, Any]
CLOSE = {"rtol": 1e-5, "atol": 1e-6}
"""Float32 sums of a few dozen terms in a different order."""


def write(
    path: Path,
    model: Mapping[str, Any],
    weights: Mapping[str, Sequence[Array]],
    version: str | None = "2.4.0",
    backend: str = "tensorflow",
) -> Path:
    """A whole model as Keras 1 and 2 saved it; ``weights`` by layer, in the order of the file."""
    with h5py.File(path, "w") as file:
        group = file.create_group("model_weights")
        for place in (file, group):
            place.attrs["backend"] = backend
            if version is not None:
                place.attrs["keras_version"] = version
        file.attrs["model_config"] = json.dumps(model).encode()
        group.attrs["layer_names"] = [name.encode() for name in weights]
        for name, values in weights.items():
            part = group.create_group(name)
            part.attrs["weight_names"] = [f"{name}_{index}".encode() for index in range(len(values))]
            for index, value in enumerate(values):
                part[f"{name}_{index}"] = value
    return path


def layer(kind: str, **config: Any) -> dict[str, Any]:
    return {"class_name": kind, "config": {"name": "a", "trainable": True, **config}}


def run(path: Path, *feed: Array) -> Array:
    model = engine.load(path, LoadOptions())
    (value,) = model.run(dict(zip((spec.name for spec in model.signature.inputs), feed, strict=True))).values()
    return value


GLOROT = {"class_name": "GlorotUniform", "config": {"seed": None, "dtype": "float32"}}
POLICY = {"class_name": "Policy", "config": {"name": "float32"}}
KERAS_1_DENSE = {"init": "glorot_uniform", "bias": True, "W_regularizer": None, "b_constraint": None, "input_dim": 5}
KERAS_1_CONV = {"init": "uniform", "border_mode": "same", "bias": True, "W_regularizer": None, "activation": "linear"}
KERAS_1_RNN = {
    "output_dim": 4, "init": "glorot_uniform", "inner_init": "orthogonal", "activation": "tanh", "dropout_W": 0.1,
    "dropout_U": 0.1, "consume_less": "cpu", "input_dim": 5, "input_length": None, "return_sequences": True,
    "U_regularizer": None, "b_regularizer": None,
}  # fmt: skip


def gates(count: int) -> list[Array]:
    """Kernel, recurrent kernel and bias of each gate in turn, as Keras 1 kept them."""
    return [w for n in range(count) for w in (normal(5, 4, seed=n), normal(4, 4, seed=9 + n), normal(4, seed=20 + n))]


def joined(weights: Sequence[Array], order: Sequence[int]) -> list[Array]:
    return [np.concatenate([weights[3 * gate + part] for gate in order], axis=-1) for part in range(3)]


def old_hard_sigmoid(x: Any) -> Any:
    return keras.ops.clip(0.2 * x + 0.5, 0, 1)


@dataclass(frozen=True)
class Row:
    """A layer in a file's words with its weights there, and Keras 3's layer with the weights that it takes."""

    saved: Mapping[str, Any]
    stored: Sequence[Array]
    now: Callable[[], Any]
    taken: Sequence[Array]
    shape: tuple[int, ...]
    version: str | None = "2.4.0"
    backend: str = "tensorflow"


KERNEL, DEPTH, SEQUENCE = normal(3, 2, 2, 4), normal(3, 3, 2, 1), normal(3, 5, 4)
LSTM, GRU = gates(4), gates(3)
CUDNN_LSTM = [normal(5, 16), normal(4, 16), normal(32)]
CUDNN_GRU = [normal(5, 12), normal(4, 12), normal(24)]


def from_cudnn(kernel: Array, recurrent: Array, bias: Array) -> list[Array]:
    """Each gate's matrix is stored as its transpose."""
    inputs, units = kernel.shape[0], recurrent.shape[0]
    kernels = [part.ravel().reshape(units, inputs).T for part in np.split(kernel, kernel.shape[1] // units, axis=1)]
    recurrents = [part.T for part in np.split(recurrent, recurrent.shape[1] // units, axis=1)]
    return [np.concatenate(kernels, 1), np.concatenate(recurrents, 1), bias]


ROWS = {
    "initialisers with a dtype": Row(
        layer("Dense", units=4, kernel_initializer=GLOROT, dtype=POLICY),
        [normal(5, 4), normal(4)], lambda: L.Dense(4), [normal(5, 4), normal(4)], (5,),
    ),
    "depthwise convolution with groups": Row(
        layer("DepthwiseConv2D", kernel_size=[3, 3], groups=1, use_bias=False),
        [DEPTH], lambda: L.DepthwiseConv2D(3, use_bias=False), [DEPTH], (8, 9, 2),
    ),
    "LSTM with time_major and implementation": Row(
        layer("LSTM", units=4, time_major=False, implementation=2, unroll=False, recurrent_activation="sigmoid"),
        joined(LSTM, (0, 1, 2, 3)), lambda: L.LSTM(4), joined(LSTM, (0, 1, 2, 3)), (6, 5),
    ),
    "GRU before reset_after": Row(
        layer("GRU", units=4, implementation=1, recurrent_activation="sigmoid"),
        joined(GRU, (0, 1, 2)), lambda: L.GRU(4, reset_after=False), joined(GRU, (0, 1, 2)), (6, 5), "2.1.0",
    ),
    "cuDNN LSTM": Row(
        layer("CuDNNLSTM", units=4, return_sequences=True), CUDNN_LSTM, lambda: L.LSTM(4, return_sequences=True),
        from_cudnn(*CUDNN_LSTM[:2], CUDNN_LSTM[2][:16] + CUDNN_LSTM[2][16:]), (6, 5), "2.2.4",
    ),
    "cuDNN GRU": Row(
        layer("CuDNNGRU", units=4), CUDNN_GRU, lambda: L.GRU(4),
        from_cudnn(*CUDNN_GRU[:2], CUDNN_GRU[2].reshape(2, 12)), (6, 5), "2.2.4",
    ),
    "hard_sigmoid": Row(
        layer("Dense", units=4, activation="hard_sigmoid"), [normal(5, 4), normal(4)],
        lambda: L.Dense(4, activation=old_hard_sigmoid), [normal(5, 4), normal(4)], (5,),
    ),
    "thresholded ReLU": Row(layer("ThresholdedReLU", theta=0.4), [], lambda: L.ReLU(threshold=0.4), [], (5,)),
    "random height": Row(layer("RandomHeight", factor=0.1, rng_type="stateful"), [], L.Identity, [], (8, 9, 2)),
    "batch normalisation": Row(
        layer("BatchNormalization", axis=[3], fused=True), [*normal(3, 2), abs(normal(2))],
        L.BatchNormalization, [*normal(3, 2), abs(normal(2))], (8, 9, 2),
    ),
    "Keras 1 Dense": Row(
        layer("Dense", output_dim=4, activation="relu", **KERAS_1_DENSE), [normal(5, 4), normal(4)],
        lambda: L.Dense(4, "relu"), [normal(5, 4), normal(4)], (5,), "1.2.2",
    ),
    "Keras 1 convolution": Row(
        layer("Convolution2D", nb_filter=4, nb_row=3, nb_col=2, subsample=[2, 1], dim_ordering="tf", **KERAS_1_CONV),
        [KERNEL, normal(4)], lambda: L.Conv2D(4, (3, 2), (2, 1), padding="same"), [KERNEL, normal(4)], (8, 9, 2),
        "1.1.0",
    ),
    "Keras 1 transposed convolution": Row(
        layer("Deconvolution2D", nb_filter=4, nb_row=3, nb_col=2, output_shape=[None, 8, 9, 4], dim_ordering="tf",
              subsample=[1, 1], **KERAS_1_CONV),
        [KERNEL, normal(4)], lambda: L.Conv2DTranspose(4, (3, 2), padding="same"),
        [KERNEL.transpose(0, 1, 3, 2), normal(4)], (8, 9, 2), "1.2.2",
    ),
    "Keras 1 convolution over a sequence": Row(
        layer("Convolution1D", nb_filter=4, filter_length=3, subsample_length=1, **KERAS_1_CONV),
        [SEQUENCE[:, None], normal(4)], lambda: L.Conv1D(4, 3, padding="same"), [SEQUENCE, normal(4)], (6, 5), "1.2.2",
    ),
    "Keras 1.0 convolution over a sequence, without a version": Row(
        layer("Convolution1D", nb_filter=4, filter_length=3, subsample_length=1, **KERAS_1_CONV),
        [SEQUENCE[:, None].transpose(3, 2, 0, 1), normal(4)], lambda: L.Conv1D(4, 3, padding="same"),
        [SEQUENCE, normal(4)], (6, 5), None,
    ),
    "Keras 1 pooling": Row(
        layer("MaxPooling1D", pool_length=2, stride=2, border_mode="valid"), [], lambda: L.MaxPooling1D(2), [], (6, 5),
        "1.0.8",
    ),
    "Keras 1 LSTM": Row(
        layer("LSTM", inner_activation="hard_sigmoid", forget_bias_init="one", **KERAS_1_RNN), LSTM,
        lambda: L.LSTM(4, recurrent_activation=old_hard_sigmoid, return_sequences=True),
        joined(LSTM, (0, 2, 1, 3)), (6, 5), "1.2.2",
    ),
    "Keras 1 GRU": Row(
        layer("GRU", inner_activation="sigmoid", **KERAS_1_RNN), GRU,
        lambda: L.GRU(4, return_sequences=True, reset_after=False), joined(GRU, (0, 1, 2)), (6, 5), "1.2.2",
    ),
    "Keras 1 in both directions": Row(
        layer("Bidirectional", merge_mode="concat", layer=layer("GRU", inner_activation="sigmoid", **KERAS_1_RNN)),
        [*GRU, *(w + 1 for w in GRU)], lambda: L.Bidirectional(L.GRU(4, return_sequences=True, reset_after=False)),
        [*joined(GRU, (0, 1, 2)), *joined([w + 1 for w in GRU], (0, 1, 2))], (6, 5), "1.2.2",
    ),
    "Theano flips kernels": Row(
        layer("Conv2D", filters=4, kernel_size=[3, 2], use_bias=False), [KERNEL],
        lambda: L.Conv2D(4, (3, 2), use_bias=False), [KERNEL[::-1, ::-1]], (8, 9, 2), "2.0.8", "theano",
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_layer_of_an_old_file_gives_what_it_gave(row: Row, tmp_path: Path) -> None:
    saved = {**row.saved, "config": {**row.saved["config"], "batch_input_shape": [None, *row.shape]}}
    path = write(
        tmp_path / "m.h5", {"class_name": "Sequential", "config": [saved]}, {"a": row.stored}, row.version, row.backend
    )
    now = keras.Sequential([keras.Input(row.shape), row.now()])
    now.set_weights(list(row.taken))
    x = normal(3, *row.shape) * 2  # beyond the ends of hard_sigmoid
    np.testing.assert_allclose(run(path, x), now(x, training=False), **CLOSE)


def functional(*layers: Any, outputs: Any, inputs: Any = (("x", 0, 0),)) -> dict[str, Any]:
    config = {"name": "m", "layers": list(layers), "input_layers": inputs, "output_layers": outputs}
    return {"class_name": "Model", "config": json.loads(json.dumps(config))}


def node(kind: str, name: str, *calls: Any, **config: Any) -> dict[str, Any]:
    return {"class_name": kind, "name": name, "config": {"name": name, **config}, "inbound_nodes": list(calls)}


X = node("InputLayer", "x", batch_input_shape=[None, 5], dtype="float32", sparse=False, ragged=False)


def operator(name: str, function: str, *calls: Any, kind: str = "TFOpLambda") -> dict[str, Any]:
    return node(kind, name, *calls, function=function, dtype="float32")


def test_functions_of_tensorflow_are_layers(tmp_path: Path) -> None:
    """relu(2 x + x) joined with x[:, :2]: keywords hold tensors, numbers and slices."""
    part = [{"start": None, "stop": None, "step": None}, {"start": None, "stop": 2, "step": None}]
    model = functional(
        X,
        operator("twice", "math.multiply", ["x", 0, 0, {"y": 2.0, "name": None}]),
        operator("more", "__operators__.add", ["twice", 0, 0, {"y": ["x", 0, 0]}]),
        operator("relu", "nn.relu", ["more", 0, 0, {"name": None}]),
        operator("part", "__operators__.getitem", ["x", 0, 0, {"slice_spec": part}], kind="SlicingOpLambda"),
        operator("y", "concat", [["relu", 0, 0, {"axis": 1}], ["part", 0, 0, {"axis": 1}]]),
        outputs=[["y", 0, 0]],
    )
    x = normal(3, 5)
    got = run(write(tmp_path / "m.h5", model, {}), x)
    np.testing.assert_allclose(got, np.concatenate([np.maximum(3 * x, 0), x[:, :2]], axis=1), **CLOSE)


def test_a_nested_model_and_a_shared_layer(tmp_path: Path) -> None:
    """Keras 2 counts a nested model's own call; a shared layer has two calls."""
    inner = layer("Dense", units=5, use_bias=False, batch_input_shape=[None, 5])
    model = functional(
        X,
        {**node("Sequential", "inner", [["x", 0, 0, {}]]), "config": {"name": "inner", "layers": [inner]}},
        node("Dense", "shared", [["inner", 1, 0, {}]], [["x", 0, 0, {}]], units=3, use_bias=False),
        node("Add", "sum", [["shared", 0, 0, {}], ["shared", 1, 0, {}]]),
        outputs=[["sum", 0, 0]],
    )
    first, second, x = normal(5, 5), normal(5, 3), normal(3, 5)
    got = run(write(tmp_path / "m.h5", model, {"inner": [first], "shared": [second]}), x)
    np.testing.assert_allclose(got, x @ first @ second + x @ second, **CLOSE)


def test_the_merge_of_keras_1(tmp_path: Path) -> None:
    model = functional(
        X,
        node("Dense", "d", [["x", 0, 0]], output_dim=5, activation="linear", bias=False, **{"init": "uniform"}),
        node("Merge", "y", [["d", 0, 0], ["x", 0, 0]], mode="mul", mode_type="raw", concat_axis=-1, dot_axes=-1),
        outputs=[["y", 0, 0]],
    )
    weight, x = normal(5, 5), normal(3, 5)
    np.testing.assert_allclose(
        run(write(tmp_path / "m.h5", model, {"d": [weight]}, "1.2.2"), x), x @ weight * x, **CLOSE
    )


def test_states_go_to_the_layer_as_states(tmp_path: Path) -> None:
    """Keras 2 listed them behind the sequence."""
    model = functional(
        node("InputLayer", "x", batch_input_shape=[None, 6, 5], dtype="float32"),
        node("InputLayer", "s", batch_input_shape=[None, 4], dtype="float32"),
        node("SimpleRNN", "r", [["x", 0, 0, {}], ["s", 0, 0, {}]], units=4, time_major=False),
        outputs=[["r", 0, 0]],
        inputs=[["x", 0, 0], ["s", 0, 0]],
    )
    weights = [normal(5, 4), normal(4, 4), normal(4)]
    now = L.SimpleRNN(4)
    now.build((None, 6, 5))
    now.set_weights(weights)
    x, state = normal(3, 6, 5), normal(3, 4)
    got = run(write(tmp_path / "m.h5", model, {"r": weights}), x, state)
    np.testing.assert_allclose(got, now(x, initial_state=[state]), **CLOSE)


@pytest.mark.parametrize(
    ("saved", "named"),
    [
        (layer("LSTM", units=4, time_major=True), "time_major=True"),
        (layer("DepthwiseConv2D", kernel_size=2, groups=2), "groups=2"),
        (layer("LocallyConnected1D", filters=4, kernel_size=2), "LocallyConnected1D"),
        (layer("Attention", causal=True), "causal=True"),
        (layer("BatchNormalization", virtual_batch_size=2), "virtual_batch_size=2"),
        (layer("TFOpLambda", function="io.read_file"), "tf.io.read_file"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_has_no_equal_is_named(saved: dict[str, Any], named: str, tmp_path: Path) -> None:
    saved["config"]["batch_input_shape"] = [None, 6, 5]
    path = write(tmp_path / "m.h5", {"class_name": "Sequential", "config": {"name": "m", "layers": [saved]}}, {})
    with pytest.raises(ParityGateError) as error:
        engine.load(path, LoadOptions())
    assert error.value.code == "PG402"
    assert named in error.value.cause


@pytest.mark.parametrize(
    "name",
    ["io.write_file", "py_function", "load_op_library", "nn._read", "math.special.expint", "compat.v1.py_func", "os"],
)
def test_only_functions_that_compute_may_be_called(name: str) -> None:
    with pytest.raises(ParityGateError):
        function_named(name)


def test_a_list_of_one_output(tmp_path: Path) -> None:
    """Keras unpacks it when the model is called."""
    x = keras.Input((8,), name="x")
    native = keras.Model([x], [L.Dense(3, name="y")(x)])
    for suffix in ("keras", "h5"):
        native.save(tmp_path / f"m.{suffix}")
        value = normal(4, 8)
        np.testing.assert_allclose(run(tmp_path / f"m.{suffix}", value), native(value), **CLOSE)


def test_an_archive_of_keras_2(tmp_path: Path) -> None:
    """The same words in a .keras file: what Keras 3 wrote, put into those of Keras 2.15."""
    native = keras.Sequential([keras.Input((6, 5)), L.LSTM(4, name="r")])
    native.save(tmp_path / "now.keras")
    with zipfile.ZipFile(tmp_path / "now.keras") as now, zipfile.ZipFile(tmp_path / "old.keras", "w") as old:
        for name in now.namelist():
            content = now.read(name)
            if name == "metadata.json":
                content = b'{"keras_version": "2.15.0"}'
            elif name == "config.json":
                config = json.loads(content)
                config["module"] = "keras.src.engine.sequential"
                first, lstm = config["config"]["layers"]
                first["config"] = {"batch_input_shape": [None, 6, 5], "dtype": "float32", "name": "x"}
                lstm["config"] |= {"time_major": False, "implementation": 2, "dtype": "float32"}
                content = json.dumps(config).encode()
            old.writestr(name, content)
    x = normal(3, 6, 5)
    np.testing.assert_allclose(run(tmp_path / "old.keras", x), native(x), **CLOSE)


def test_files_without_a_model_say_what_they_are(tmp_path: Path) -> None:
    keras.Sequential([keras.Input((3,)), L.Dense(2)]).save_weights(tmp_path / "m.weights.h5")
    with h5py.File(tmp_path / "old.h5", "w") as file:
        file.attrs["layer_names"] = [b"dense"]
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["measurements"] = np.ones(3)
    for name, said in (("m.weights.h5", "weights only"), ("old.h5", "weights only"), ("data.h5", "measurements")):
        with pytest.raises(ParityGateError) as error:
            engine.load(tmp_path / name, LoadOptions())
        assert error.value.code == "PG402"
        assert said in error.value.cause


def test_a_lambda_of_keras_2_needs_trust(tmp_path: Path) -> None:
    code = L.Lambda(lambda x: x * 3).get_config()["function"]["config"]
    saved = layer("Lambda", function=[code["code"], code["defaults"], code["closure"]], function_type="lambda",
                  module="m", output_shape=None, arguments={}, batch_input_shape=[None, 2])  # fmt: skip
    path = write(tmp_path / "m.h5", {"class_name": "Sequential", "config": [saved]}, {})
    with pytest.raises(ParityGateError) as error:
        engine.load(path, LoadOptions())
    assert error.value.code == "PG501"
    (value,) = engine.load(path, LoadOptions(trust=True)).run({"a_input": np.ones((1, 2), np.float32)}).values()
    np.testing.assert_array_equal(value, [[3, 3]])
