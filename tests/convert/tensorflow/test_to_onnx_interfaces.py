"""Names, structures, signatures and dynamic axes of TensorFlow sources in ONNX.

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
from tensorflow_conversion import check_against, convert_to_onnx, run_bound

from fixtures.arrays import normal
from fixtures.keras_models import PUBLISHED, L, Written, written
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.tensorflow import graphdef, saved_model, tflite
from paritygate.validate.engines.tensorflow import keras as keras_engine
from paritygate.validate.errors import ParityGateError
from paritygate.validate.signature import TensorSpec

pytestmark = pytest.mark.xdist_group("tensorflow")


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
    pytest.param(echoing_model, ["left", "y"], ["left_1", "y"], id="an output has an input's name"),
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


def test_model_written_as_a_class(tmp_path: Path) -> None:
    """Its input is the user's example; its embedding bounds the samples, although there is no graph of layers."""
    native = Written()
    feed = {"ids": np.array([[0, 8, 3]], np.int32)}
    model = keras_engine.load(native, LoadOptions(example=feed))
    assert [str(spec) for spec in model.signature.inputs] == ["ids: int32[batch, 3]"]
    assert [(hint.name, int(hint.high)) for hint in model.hints()] == [("ids", 8)]  # type: ignore[arg-type]
    check_against(lambda ids: native(ids, training=False), model, tmp_path, feed)


def test_requested_dynamic_axis(tmp_path: Path) -> None:
    x = keras.Input((5, 4), name="x")
    native = keras.Model(x, L.Conv1D(3, 2, name="c")(x))
    model = keras_engine.load(native, LoadOptions(dynamic=(("x", 1),)))
    assert model.signature.inputs[0].shape == ("batch", "x_1", 4)
    dynamic = keras.Sequential([keras.Input((None, 4)), *native.layers[1:]])
    check_against(lambda x: {"c": dynamic(x)}, model, tmp_path, {"x": normal(2, 5, 4)}, {"x": normal(3, 11, 4)})
    with pytest.raises(ParityGateError, match="no such axis"):
        keras_engine.load(native, LoadOptions(dynamic=(("x", 3),)))


# --- SavedModels and functions


def test_each_signature_of_a_saved_model(two_signatures: Path, tmp_path: Path) -> None:
    weight = normal(4, 3)
    score = saved_model.load(two_signatures, LoadOptions(signature="score"))
    check_against(lambda features: {"score": features @ weight}, score, tmp_path, {"features": normal(3, 4)})
    code = saved_model.load(two_signatures, LoadOptions(signature="code"))
    assert [spec.dtype for spec in (*code.signature.inputs, *code.signature.outputs)] == ["str", "int64"]
    candidate, engine = convert_to_onnx(code, tmp_path)
    words = {"words": np.array([["nein", "ja"], ["Ja", ""]])}
    assert (
        run_bound(candidate, engine, words)["code"].tolist() == code.run(words)["code"].tolist() == [[5, 4], [-1, -1]]
    )


def test_published_saved_model_that_version_2_cannot_restore(tmp_path: Path) -> None:
    """The loader of version 1 reads it, with a note, and it agrees with the publisher's TensorFlow Lite version."""
    model = saved_model.load(PUBLISHED / "nmp", LoadOptions())
    assert "could not restore" in model.notes[0]
    published = tflite.load(PUBLISHED / "nmp.tflite", LoadOptions())
    audio = {"input_2": normal(2, 43844, 1) * 0.1}
    expected = published.run(audio)
    candidate, engine = convert_to_onnx(model, tmp_path)
    actual = run_bound(candidate, engine, audio)
    assert set(actual) == set(expected) == {"contour", "note", "onset"}
    for name, value in expected.items():
        # TensorFlow Lite's Conv2D sum 36 x 25 products in a different order, and its sigmoids are approximations
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
    """A tf.function without a signature takes the declared inputs; a nested structure gets flat names."""
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
    assert error.value.code == "PG206"


# --- frozen graphs


def small_graph() -> Any:
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, None, name="x")
        y = tf.identity(tf.nn.relu(x, name="inner") * 2.0, name="y")
        tf.math.top_k(y, k=2, name="best")
    return graph.as_graph_def()


def test_declared_inputs_of_a_graphdef(tmp_path: Path) -> None:
    """Without a shape tf2onnx would treat x as a scalar; inputs may also be tensors in the middle of the graph."""
    path = written(small_graph().SerializeToString(), tmp_path / "g.pb")
    bare = graphdef.load(path, LoadOptions())
    assert [spec.name for spec in bare.signature.outputs] == ["best", "best_1"]
    with pytest.raises(ParityGateError) as error:
        convert_to_onnx(bare, tmp_path)
    assert error.value.code == "PG206"
    for name, before in (("x", np.maximum), ("inner", lambda value, _: value)):
        given = LoadOptions(inputs=(TensorSpec(name, "float32", ("batch", 5)),))

        def expected(before: Any = before, **feed: Any) -> dict[str, Any]:
            values, indices = tf.math.top_k(before(*feed.values(), 0) * 2, k=2)
            return {"best": values, "best_1": indices}

        check_against(expected, graphdef.load(path, given), tmp_path, {name: normal(3, 5)})
