"""TensorFlow and Keras to Core ML through coremltools' frontend: loops, features, options, precision, refusals.

The expected values are the framework's own (``predict``, the function itself) or a model that its authors shipped.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from fixtures.arrays import normal
from fixtures.coreml_conversion import check_conversion, run_candidate
from fixtures.keras_models import PUBLISHED, L
from paritygate.convert.routes.base import FP16, MIXED, Candidate, RouteOptions
from paritygate.convert.routes.coreml.rename import rename_features
from paritygate.convert.routes.tensorflow import to_coreml
from paritygate.validate.adapters.pixels import from_pixels, resolved
from paritygate.validate.engines.base import LoadOptions, Model
from paritygate.validate.engines.coreml import lowered as coreml
from paritygate.validate.engines.tensorflow import keras as keras_engine
from paritygate.validate.engines.tensorflow import saved_model
from paritygate.validate.errors import ParityGateError
from paritygate.validate.samples import Sample, Samples, save_outputs, save_samples
from paritygate.validate.signature import ImageInput
from paritygate.validate.workers.job_folder import JobFolder

pytestmark = pytest.mark.xdist_group("tensorflow")

Array = np.ndarray[Any, Any]
Feed = Mapping[str, Array]

CLOSE = {"rtol": 1e-5, "atol": 1e-6}
"""Float32 sums of a few dozen terms in a different order: a few units in the last place of values around 1."""

HALF = {"rtol": 4e-3, "atol": 2e-3}
"""A chain of a dozen operators, each rounded to float16's eleven digits, on values around 1."""

# --- helpers


def sequential(*layers: Any) -> Model:
    keras.utils.set_random_seed(1)
    return keras_engine.load(keras.Sequential(list(layers)), LoadOptions())


check = partial(check_conversion, to_coreml.convert, tolerance=CLOSE)


def function_model(folder: Path, function: Callable[..., Any], *specs: tf.TensorSpec) -> Model:
    module = tf.Module()
    module.f = tf.function(function, input_signature=specs)
    tf.saved_model.save(module, str(folder / "saved"), signatures=module.f)
    return saved_model.load(folder / "saved", LoadOptions())


def feed_of(model: Model, value: Array) -> Feed:
    return {model.signature.inputs[0].name: value}


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(ParityGateError) as error:
        call()
    return error.value.code


# --- layers


def text(*layers: Any, mask: bool = False) -> Model:
    return sequential(keras.Input((9,), dtype="int32"), L.Embedding(30, 6, mask_zero=mask), *layers, L.Dense(3))


WORDS = np.array([[5, 3, 29, 1, 0, 7, 0, 0, 0]], np.int32)

LAYERS: dict[str, tuple[Callable[[], Model], Array, tuple[str, ...]]] = {
    "CNN; gelu needs Erfc, which the frontend lacks": (
        lambda: sequential(
            keras.Input((8, 8, 1)), L.Conv2D(4, 3, padding="same"), L.BatchNormalization(), L.ReLU(), L.MaxPooling2D(),
            L.Conv2D(6, 3, activation="gelu"), L.GlobalAveragePooling2D(), L.Dense(10, activation="softmax"),
        ), normal(1, 8, 8, 1), (".mlmodel",),
    ),
    "LSTM, whose loop has a limit that the frontend drops": (lambda: text(L.LSTM(5)), WORDS, (".mlpackage",)),
    "two GRUs in one model, with masked words": (
        lambda: text(L.Bidirectional(L.GRU(5)), mask=True), WORDS, (".mlpackage",),
    ),
    "a loop that outputs every step": (
        lambda: sequential(keras.Input((7, 3)), L.SimpleRNN(4, return_sequences=True), L.LSTM(2, go_backwards=True)),
        normal(1, 7, 3), (".mlmodel",),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
def test_keras(name: str, tmp_path: Path):
    make, value, suffixes = LAYERS[name]
    model = make()
    for suffix in suffixes:
        check(model, tmp_path / f"model{suffix}", feed_of(model, value))


def branching(x: tf.Tensor, n: tf.Tensor) -> dict[str, tf.Tensor]:
    """A loop inside a branch, a branch inside a loop, and results in swapped places."""

    def grow(count: tf.Tensor, a: tf.Tensor, b: tf.Tensor) -> tuple[tf.Tensor, ...]:
        a, b = tf.cond(a[0] > 4.0, lambda: (a / 2.0, b - 1.0), lambda: (b + 1.0, a * 2.0))
        return count + 1, a, b

    def run(a: tf.Tensor, b: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        _, a, b = tf.while_loop(lambda count, *_: count < n[0], grow, (0, a, b))
        return a, b

    a, b = tf.cond(tf.reduce_sum(x) > 0, lambda: run(x, x + 3.0), lambda: (x - 1.0, x * 5.0))
    c, d = run(b, a)
    return {"first": a, "second": d - c}


CONVERT = """
import pickle, sys
from pathlib import Path
from paritygate.convert.routes.base import RouteOptions
from paritygate.convert.routes.tensorflow import to_coreml
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.tensorflow import saved_model
folder = Path(sys.argv[1])
model = saved_model.load(folder / "saved", LoadOptions())
candidate = to_coreml.convert(model, folder / "model.mlmodel", RouteOptions())
(folder / "candidate").write_bytes(pickle.dumps(candidate))
"""
"""In a process of its own, as users' files are converted: TensorFlow remembers functions of the models before it."""


@pytest.fixture(scope="module")
def branched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, Candidate]:
    folder = tmp_path_factory.mktemp("branched")
    specs = tf.TensorSpec((3,), tf.float32, "x"), tf.TensorSpec((1,), tf.int32, "n")
    model = function_model(folder, branching, *specs)
    subprocess.run([sys.executable, "-c", CONVERT, str(folder)], check=True)
    candidate: Candidate = pickle.loads((folder / "candidate").read_bytes())
    return model, candidate


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("count", [0, 1, 4])
def test_outputs_of_loops_and_branches_are_not_mixed_up(sign: int, count: int, branched: tuple[Model, Candidate]):
    model, candidate = branched
    feed = {"x": sign * np.arange(1, 4, dtype=np.float32), "n": np.array([count], np.int32)}
    for name, value in run_candidate(candidate, feed).items():
        np.testing.assert_allclose(value, model.run(feed)[name], **CLOSE)


def test_constants_are_folded_in_spite_of_assertions(tmp_path: Path):
    def asserting(x: tf.Tensor) -> tf.Tensor:
        tf.debugging.assert_equal(tf.constant(3), tf.shape(tf.zeros((3, 1)))[0])
        return x * tf.constant([1.0, 2.0, 3.0]) + tf.reverse(tf.constant([1.0, 2.0, 3.0]), [0])

    model = function_model(tmp_path, asserting, tf.TensorSpec((3,), tf.float32, "x"))
    check(model, tmp_path / "model.mlpackage", {"x": normal(3)})


def test_padding_between_transpositions_runs_in_the_engine(tmp_path: Path):
    """ONNX Runtime moves transpositions through paddings, and must adjust the padded axes."""

    def padded(x: tf.Tensor) -> tf.Tensor:
        planes = tf.pad(tf.transpose(x, (0, 3, 1, 2)), [(0, 0), (0, 0), (1, 0), (2, 3)])
        return tf.nn.relu(tf.transpose(planes, (0, 2, 3, 1)))

    model = function_model(tmp_path, padded, tf.TensorSpec((1, 4, 5, 3), tf.float32, "x"))
    check(model, tmp_path / "model.mlmodel", {"x": normal(1, 4, 5, 3)})


def test_published_model_agrees_with_its_authors_package(tmp_path: Path):
    """basic-pitch: a SavedModel that TensorFlow can't restore; its authors' package is from an older coremltools."""
    model = saved_model.load(PUBLISHED / "nmp", LoadOptions())
    candidate = to_coreml.convert(model, tmp_path / "model.mlpackage", RouteOptions())
    sound = normal(1, 43844, 1) / 10
    converted = run_candidate(candidate, feed_of(model, sound))
    shipped = coreml.load(PUBLISHED / "nmp.mlpackage", LoadOptions())
    published = shipped.run({shipped.signature.inputs[0].name: sound})
    for name, key in {"contour": "Identity", "note": "Identity_1", "onset": "Identity_2"}.items():
        np.testing.assert_allclose(converted[name], published[key], atol=1e-6)


# --- features and options


def test_lengths_may_vary_within_the_range_only(tmp_path: Path):
    model = sequential(keras.Input((None, 3)), L.GRU(4))
    name = model.signature.inputs[0].name
    feeds = [{name: normal(1, length, 3)} for length in (2, 5, 9)]
    candidate = check(model, tmp_path / "model.mlpackage", *feeds, options=RouteOptions(ranges={(name, 1): (2, 9)}))
    assert f"{name}: axis 1 takes 2 to 9" in candidate.notes
    assert code_of(lambda: run_candidate(candidate, {name: normal(1, 10, 3)})) == "PG204"


def test_enumerated_shapes(tmp_path: Path):
    model = sequential(keras.Input((None, 3)), L.Conv1D(2, 2))
    name = model.signature.inputs[0].name
    options = RouteOptions(shapes={name: ((1, 4, 3), (1, 6, 3))})
    candidate = check(
        model, tmp_path / "model.mlpackage", {name: normal(1, 4, 3)}, {name: normal(1, 6, 3)}, options=options
    )
    assert code_of(lambda: run_candidate(candidate, {name: normal(1, 5, 3)})) == "PG204"


IMAGES = [ImageInput(1 / 255), ImageInput(0.5, (-1.0, 2.0, 3.0), "BGR"), ImageInput(2.0, (3.0,))]


@pytest.mark.parametrize(
    ("image", "suffix"),
    [(IMAGES[0], ".mlmodel"), (IMAGES[1], ".mlmodel"), (IMAGES[1], ".mlpackage"), (IMAGES[2], ".mlpackage")],
)
def test_images(image: ImageInput, suffix: str, tmp_path: Path):
    model = sequential(keras.Input((6, 5, 3)), L.Conv2D(2, 3), L.GlobalAveragePooling2D())
    name = model.signature.inputs[0].name
    image = resolved({name: image}, model.signature)[name]
    pixels = np.random.default_rng(0).integers(0, 256, (1, 3, 6, 5)).astype(np.float32)
    candidate = to_coreml.convert(model, tmp_path / f"model{suffix}", RouteOptions(images={name: image}))
    assert candidate.images == {name: image}
    wanted = model.run({name: from_pixels(pixels, image, np.dtype("float32"))})
    for output, value in run_candidate(candidate, {name: pixels}).items():
        np.testing.assert_allclose(value, wanted[output], rtol=1e-5, atol=1e-5 * np.abs(wanted[output]).max())


@pytest.mark.parametrize(("suffix", "labels"), [(".mlpackage", ("cat", "dog", "fish")), (".mlmodel", (7, 5, 3))])
def test_class_labels(labels: tuple[str | int, ...], suffix: str, tmp_path: Path):
    model = sequential(keras.Input((4,)), L.Dense(3, activation="softmax", name="scores"))
    x = normal(1, 4)
    candidate = to_coreml.convert(model, tmp_path / f"model{suffix}", RouteOptions(class_labels=labels))
    outputs = coreml.load(candidate.path, LoadOptions()).run({next(iter(candidate.inputs)): x})
    wanted = model.run(feed_of(model, x))["scores"][0]
    given = dict(zip(outputs["scores/keys"].ravel().tolist(), outputs["scores/values"].ravel(), strict=True))
    assert candidate.classes == {"scores": labels}
    np.testing.assert_allclose([given[label] for label in labels], wanted, rtol=1e-5)
    assert outputs["classLabel"].ravel().tolist() == [labels[int(wanted.argmax())]]


def test_features_keep_the_sources_names_even_if_inner_values_have_them(tmp_path: Path):
    def named(x: tf.Tensor) -> dict[str, tf.Tensor]:
        inner = tf.nn.relu(x, name="relu")
        return {"relu": tf.exp(inner, name="exp"), "exp": inner + 1.0, "1st out": x}

    model = function_model(tmp_path, named, tf.TensorSpec((None, 3), tf.float32, "x"))
    for suffix in (".mlmodel", ".mlpackage"):  # their specifications keep names in different places
        candidate = check(model, tmp_path / f"model{suffix}", {"x": normal(1, 3)})
        assert dict(candidate.outputs) == {"relu": "relu", "exp": "exp", "_1st_out": "1st out"}


def test_renaming_reaches_into_the_blocks_of_loops(branched: tuple[Model, Candidate], tmp_path: Path):
    _, candidate = branched
    spec = coreml.load(candidate.path, LoadOptions()).native.spec
    rename_features(spec, {"x": "n", "n": "x"})
    (tmp_path / "swapped.mlmodel").write_bytes(spec.SerializeToString())
    feed = {"x": np.array([1.0, 2.0, 3.0], np.float32), "n": np.array([2], np.int32)}
    swapped = coreml.load(tmp_path / "swapped.mlmodel", LoadOptions()).run({"n": feed["x"], "x": feed["n"]})
    for name, value in run_candidate(candidate, feed).items():
        np.testing.assert_array_equal(swapped[name], value)


# --- precision


class Overflow(L.Layer):
    """Intermediate squares beyond float16's largest number; the results are around 1."""

    def call(self, x: Any) -> Any:
        wide = x * 400.0
        return x / keras.ops.sqrt(keras.ops.sum(wide * wide, axis=-1, keepdims=True) + 1e-3) * 400.0


class Cancel(L.Layer):
    """Nothing overflows, but small differences of large numbers lose their digits."""

    def call(self, x: Any) -> Any:
        wide = keras.ops.exp(x) + 3000.0
        return keras.ops.tanh(wide - keras.ops.mean(wide, axis=-1, keepdims=True))


def evidence(folder: Path, model: Model, *values: Array) -> Path:
    feeds = [feed_of(model, value) for value in values]
    save_samples(Samples(tuple(Sample("x", feed, "normal", 1) for feed in feeds), "test", 0), JobFolder(folder).samples)
    save_outputs([model.run(feed) for feed in feeds], JobFolder(folder).expected)
    return folder


@pytest.mark.parametrize(
    ("layer", "kept", "free"), [(Overflow, ("reduce_sum", "sqrt"), "relu"), (Cancel, ("add", "sub"), "relu")]
)
def test_mixed_precision_keeps_what_float16_loses(layer: Any, kept: tuple[str, ...], free: str, tmp_path: Path):
    model = sequential(keras.Input((6,)), L.Dense(8), L.ReLU(), layer(), L.Dense(3, activation="softmax"))
    folder = evidence(tmp_path, model, normal(2, 6), normal(1, 6, seed=1))
    feed = feed_of(model, normal(1, 6, seed=2))
    with pytest.raises(AssertionError):
        check(model, tmp_path / "half.mlpackage", feed, options=RouteOptions(precision=FP16), tolerance=HALF)
    options = RouteOptions(precision=MIXED, evidence=JobFolder(folder))
    candidate = check(model, tmp_path / "mixed.mlpackage", feed, options=options, tolerance=HALF)
    note = next(note for note in candidate.notes if note.startswith("mixed precision"))
    assert any(kind in note for kind in kept)
    assert free not in note


def test_float16_keeps_the_width_of_features_for_new_targets(tmp_path: Path):
    model = sequential(keras.Input((6,)), L.Dense(8), L.Dense(3))
    options = RouteOptions(precision=FP16, deployment_target="iOS17")
    candidate = check(model, tmp_path / "m.mlpackage", feed_of(model, normal(1, 6)), options=options, tolerance=HALF)
    signature = coreml.load(candidate.path, LoadOptions()).signature
    assert {spec.dtype for spec in (*signature.inputs, *signature.outputs)} == {"float32"}


# --- what must fail


def determinant(x: tf.Tensor) -> tf.Tensor:
    return tf.linalg.det(x)


def complex_numbers(x: tf.Tensor) -> tf.Tensor:
    return tf.complex(x, x)


def words(x: tf.Tensor) -> tf.Tensor:
    return tf.strings.as_string(x)


@pytest.mark.parametrize(
    ("function", "says"), [(determinant, "MatrixDeterminant"), (complex_numbers, "complex64"), (words, "str")]
)
def test_what_core_ml_lacks_is_named(function: Callable[[tf.Tensor], tf.Tensor], says: str, tmp_path: Path):
    model = function_model(tmp_path, function, tf.TensorSpec((1, 3, 3), tf.float32, "x"))
    with pytest.raises(ParityGateError, match=says) as error:
        to_coreml.convert(model, tmp_path / "model.mlpackage", RouteOptions())
    assert error.value.code == "PG404"


REFUSED = {
    "float16 in a neural network": (".mlmodel", RouteOptions(precision=FP16), "PG201"),
    "mixed precision without samples": (".mlpackage", RouteOptions(precision=MIXED), "PG201"),
    "a package for iOS 14": (".mlpackage", RouteOptions(deployment_target="iOS14"), "PG408"),
    "an unknown target": (".mlpackage", RouteOptions(deployment_target="iOS99"), "PG201"),
    "two names for three classes": (".mlpackage", RouteOptions(class_labels=("a", "b")), "PG201"),
    "a loop with flexible lengths for iOS 13": (".mlmodel", RouteOptions(deployment_target="iOS13"), "PG408"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name: str, tmp_path: Path):
    suffix, options, code = REFUSED[name]
    model = sequential(keras.Input((5, 2)), L.SimpleRNN(2) if "loop" in name else L.Flatten(), L.Dense(3))
    assert code_of(lambda: to_coreml.convert(model, tmp_path / f"model{suffix}", options)) == code


def test_a_conversion_leaves_no_global_state(tmp_path: Path):
    from coremltools.converters.mil.frontend.tensorflow.tf_op_registry import _TF_OPS_REGISTRY
    from tensorflow.python.eager import context

    before = dict(_TF_OPS_REGISTRY), set(context.context().list_function_names())
    model = sequential(keras.Input((5, 2)), L.SimpleRNN(4))
    to_coreml.convert(model, tmp_path / "model.mlpackage", RouteOptions())
    left = set(context.context().list_function_names()) - before[1]
    assert before[0] == _TF_OPS_REGISTRY
    assert not [name for name in left if b"paritygate" in (name if isinstance(name, bytes) else name.encode())]
