"""Whole neural networks: control flow, weights in every encoding, recurrence, random numbers, classifiers, images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from networks import builder, loaded, outputs
from whole import coremltools

from paritygate.validate.errors import ParityGateError

RANDOM = np.random.default_rng(11)
IMAGE = RANDOM.uniform(-1, 1, (4, 5, 5)).astype(np.float32)


def nested(network: Any) -> Any:
    """A builder of the network inside a branch or loop."""
    return coremltools().models.neural_network.NeuralNetworkBuilder(nn_spec=network, disable_rank5_shape_mapping=True)


def predict(made: Any, **feeds: Any) -> dict[str, Any]:
    return loaded(made.spec).session.predict({k: np.array(v, np.float32) for k, v in feeds.items()})


@pytest.mark.parametrize(("condition", "want"), [(1.0, 10.0), (-1.0, 10.0), (1e-7, 4.0), (0.0, 4.0)])
def test_a_branch_replaces_blobs(condition: float, want: float):
    made = builder({"x": (1,), "c": (1,)})
    made.add_elementwise("keep", ["x"], "y", "ADD", alpha=0.0)
    layer = made.add_branch("branch", "c")
    inner = nested(layer.branch.ifBranch)
    inner.add_elementwise("ten", ["x"], "t", "MULTIPLY", alpha=2.5)
    inner.add_copy("copy", "t", "y")
    nested(layer.branch.elseBranch)
    assert predict(made, x=[4], c=[condition])["y"] == [want]


def test_a_branch_that_cannot_be_lowered_fails_only_when_it_is_taken():
    made = builder({"x": (2, 3), "c": (1,)})
    made.add_copy("keep", "x", "y")
    inner = nested(made.add_branch("branch", "c").branch.ifBranch)
    inner.add_expand_dims("expand", "x", "e", [0])
    inner.add_concat_nd("concat", ["x", "e"], "t", axis=0)
    inner.add_copy("copy", "t", "y")
    session = loaded(made.spec).session
    x = np.ones((2, 3), np.float32)
    np.testing.assert_array_equal(session.predict({"x": x, "c": np.zeros(1)})["y"], x)
    with pytest.raises(ParityGateError, match="Concat"):
        session.predict({"x": x, "c": np.ones(1)})


def loop(limit: int = 0, condition_below: float | None = None) -> tuple[Any, Any]:
    """A loop over i and total, which start at 0, and the builder of its body."""
    made = builder({"x": (1,)}, ("i", "total"))
    for name in ("i", "total"):
        made.add_elementwise(f"start_{name}", ["x"], name, "MULTIPLY", alpha=0.0)
    layer = made.add_loop("loop", max_iterations=limit)
    if condition_below is not None:
        layer.loop.conditionVar = "going"
        nested(layer.loop.conditionNetwork).add_less_than("below", ["i"], "going", alpha=condition_below)
    return made, nested(layer.loop.bodyNetwork)


def count(body: Any) -> None:
    body.add_elementwise("next", ["i"], "n", "ADD", alpha=1.0)
    body.add_copy("set_i", "n", "i")


def add_x(body: Any) -> None:
    body.add_add_broadcastable("sum", ["total", "x"], "s")
    body.add_copy("set_total", "s", "total")


@pytest.mark.parametrize(
    ("limit", "below", "passes"), [(5, None, 5), (0, 3.0, 3), (2, 3.0, 2), (7, 3.0, 3), (0, 0.0, 0), (0, None, 0)]
)
def test_a_loop_ends_by_count_or_condition(limit: int, below: float | None, passes: int):
    made, body = loop(limit, below)
    count(body)
    add_x(body)
    assert predict(made, x=[2]) == {"i": [passes], "total": [2 * passes]}


@pytest.mark.parametrize(
    ("kind", "at", "i", "total"), [("loop_break", 4.0, 4, 3 * 2), ("loop_continue", 4.0, 6, 5 * 2)]
)
def test_break_and_continue_skip_what_follows_their_branch(kind: str, at: float, i: int, total: int):
    """count; if i == 4: break or continue; total += x, six times."""
    made, body = loop(6)
    count(body)
    body.add_equal("reached", ["i"], "stop", alpha=at)
    getattr(nested(body.add_branch("branch", "stop").branch.ifBranch), f"add_{kind}")("leave")
    add_x(body)
    assert predict(made, x=[2]) == {"i": [i], "total": [total]}


def test_a_blob_may_grow_in_a_loop():
    made = builder({"x": (1, 2)})
    made.add_copy("start", "x", "y")
    body = nested(made.add_loop("loop", max_iterations=3).loop.bodyNetwork)
    body.add_concat_nd("grow", ["y", "x"], "t", axis=0)
    body.add_copy("set", "t", "y")
    np.testing.assert_array_equal(predict(made, x=[[1, 2]])["y"], [[1, 2]] * 4)


def test_break_outside_of_a_loop_is_rejected():
    made = builder({"x": (1,)})
    made.add_loop_break("leave")
    made.add_copy("copy", "x", "y")
    with pytest.raises(ParityGateError, match="layer 'loopBreak', named 'leave': it is outside of a loop"):
        loaded(made.spec)


def test_a_custom_layer_is_rejected_by_name():
    made = builder({"x": (1,)})
    layer = made.spec.neuralNetwork.layers.add(name="mine", input=["x"], output=["y"])
    layer.custom.className = "Mine"
    with pytest.raises(ParityGateError, match="layer 'custom', named 'mine'") as caught:
        loaded(made.spec)
    assert caught.value.code == "PG404"


def convolution(deconvolution: bool, groups: int) -> Any:
    made = builder({"x": IMAGE.shape}, exact=False)
    kernels = RANDOM.uniform(-1, 1, (3, 3, 4 if deconvolution else 4 // groups, 6 // (groups if deconvolution else 1)))
    made.add_convolution(
        "conv", kernel_channels=kernels.shape[2], output_channels=6, height=3, width=3, stride_height=2, stride_width=2,
        border_mode="valid", groups=groups, W=kernels, b=np.arange(6.0), has_bias=True, is_deconv=deconvolution,
        input_name="x", output_name="y",
    )  # fmt: skip
    return made


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("deconvolution", [False, True])
@pytest.mark.parametrize(
    ("bits", "mode"), [(n, m) for n in (1, 3, 4, 8) for m in ("linear", "table")] + [(16, "linear")]
)
def test_weights_as_coremltools_quantises_and_restores_them(bits: int, mode: str, deconvolution: bool, groups: int):
    """The same network with its weights encoded, and with coremltools' own decoding of them."""
    made = convolution(deconvolution, groups)
    models = coremltools().models
    from coremltools.models.neural_network.quantization_utils import _dequantize_nn_spec, _quantize_nn_spec

    table, linear = models._QUANTIZATION_MODE_LOOKUP_TABLE_LINEAR, models._QUANTIZATION_MODE_LINEAR_QUANTIZATION
    _quantize_nn_spec(made.spec.neuralNetwork, bits, table if mode == "table" else linear)
    assert not made.spec.neuralNetwork.layers[0].convolution.weights.floatValue
    got = predict(made, x=IMAGE)["y"]
    if bits == 16:
        np.testing.assert_allclose(got, predict(convolution_like(made), x=IMAGE)["y"], rtol=1e-5, atol=1e-5)
        return
    _dequantize_nn_spec(made.spec.neuralNetwork)
    np.testing.assert_allclose(got, predict(made, x=IMAGE)["y"], rtol=1e-5, atol=1e-5)


def convolution_like(made: Any) -> Any:
    """``made`` with its 16-bit weights as 32-bit ones."""
    layer = made.spec.neuralNetwork.layers[0].convolution
    for field in (layer.weights, layer.bias):
        field.floatValue.extend(np.frombuffer(field.float16Value, np.float16).astype(float))
        field.float16Value = b""
    return made


def test_a_look_up_table_that_is_too_short():
    made = convolution(False, 1)
    weights = made.spec.neuralNetwork.layers[0].convolution.weights
    count = len(weights.floatValue)
    del weights.floatValue[:]
    weights.rawValue = bytes([255] * count)
    weights.quantization.numberOfBits = 8
    weights.quantization.lookupTableQuantization.floatValue.extend([0.0, 1.0])
    with pytest.raises(ParityGateError, match="its look-up table has 2 elements"):
        loaded(made.spec)


@pytest.mark.parametrize("kind", ["normal", "uniform", "bernoulli"])
def test_a_seed_repeats_and_no_seed_does_not(kind: str):
    def build(b: Any) -> None:
        for name, seed in {"a": 5, "b": 5, "c": 6, "d": -1}.items():
            spread = {"stddev": 1.0} if kind == "normal" else {}
            getattr(b, f"add_random_{kind}_static")(name, name, output_shape=(40, 50), seed=seed, **spread)

    made = builder({"x": (1,)}, ("a", "b", "c", "d"))
    build(made)
    session = loaded(made.spec).session
    first, second = (session.predict({"x": np.zeros(1)}) for _ in range(2))
    np.testing.assert_array_equal(first["a"], first["b"])
    np.testing.assert_array_equal(first["a"], second["a"])
    assert np.any(first["a"] != first["c"])
    assert np.any(first["d"] != second["d"])


def test_random_numbers_have_their_distribution():
    from scipy import stats

    def build(b: Any) -> None:
        b.add_random_normal_like("n", "x", "n", mean=2.0, stddev=3.0, seed=1)
        b.add_random_uniform_like("u", "x", "u", minval=-1.0, maxval=4.0, seed=1)
        b.add_random_bernoulli_like("b", "x", "b", prob=0.3, seed=1)

    normal, uniform, coin = outputs(build, {"x": np.zeros((100, 200), np.float32)}, ("n", "u", "b"))
    assert stats.kstest(normal.reshape(-1), stats.norm(2, 3).cdf).pvalue > 0.01
    assert stats.kstest(uniform.reshape(-1), stats.uniform(-1, 5).cdf).pvalue > 0.01
    assert abs(coin.mean() - 0.3) < 0.01
    assert set(np.unique(coin)) == {0, 1}


@pytest.mark.parametrize("is_logits", [True, False])
def test_categories_are_drawn_by_their_probability(is_logits: bool):
    shares = np.array([[0.1, 0.0, 0.6, 0.3], [0.25] * 4], np.float32)
    x = np.log(shares + 1e-10) if is_logits else shares
    (drawn,) = outputs(
        lambda b: b.add_categorical_distribution("l", "x", "y", 20000, is_logits=is_logits, seed=3), {"x": x}
    )
    assert drawn.shape == (2, 20000)
    counted = np.stack([np.bincount(row.astype(int), minlength=4) for row in drawn]) / 20000
    np.testing.assert_allclose(counted, shares, atol=0.015)


@pytest.mark.parametrize(("labels", "want"), [(["a", "b", "c"], "b"), ([7, 8, 9], 8)])
def test_a_classifier_returns_label_and_probabilities(labels: list[Any], want: Any):
    made = builder({"x": (3,)}, mode="classifier")
    made.add_softmax_nd("soft", "x", "y", axis=0)
    made.set_class_labels(labels, "label", "y")
    got = predict(made, x=[0.1, 2.0, -1.0])
    assert got["label"] == want
    probabilities = next(v for v in got.values() if isinstance(v, dict))
    assert list(probabilities) == labels
    assert sum(probabilities.values()) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("is_bgr", [False, True])
def test_an_image_is_scaled_and_shifted_by_colour(is_bgr: bool):
    from PIL import Image

    made = builder({"x": (3, 2, 2)}, exact=False)
    made.add_activation("same", "LINEAR", "x", "y", [1.0, 0.0])
    made.set_pre_processing_parameters(
        image_input_names=["x"], is_bgr=is_bgr, red_bias=1.0, green_bias=2.0, blue_bias=3.0, image_scale=0.5
    )
    pixels = RANDOM.integers(0, 255, (2, 2, 3), np.uint8)
    got = loaded(made.spec).session.predict({"x": Image.fromarray(pixels)})["y"]
    planes = pixels.transpose(2, 0, 1) * 0.5 + np.array([1, 2, 3])[:, None, None]
    np.testing.assert_allclose(got, planes[::-1] if is_bgr else planes)


def test_a_sequence_of_declared_inputs():
    made = builder({"x": IMAGE.shape}, exact=False)
    made.add_activation("relu", "RELU", "x", "y")
    session = loaded(made.spec).session
    sequence = RANDOM.uniform(-1, 1, (2, 3, *IMAGE.shape)).astype(np.float32)
    np.testing.assert_array_equal(session.predict({"x": sequence})["y"], np.maximum(sequence, 0))
    np.testing.assert_array_equal(session.predict({"x": IMAGE})["y"], np.maximum(IMAGE, 0))
    with pytest.raises(ParityGateError, match=r"\(2, 3, 4, 5, 1\) is not a sequence of the declared shape \(4, 5, 5\)"):
        session.predict({"x": sequence[..., :1]})
