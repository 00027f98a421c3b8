"""Recurrent layers and operators: which run as ONNX's own, which as a Scan, and that both follow the equations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from networks import builder, loaded
from whole import coremltools

from paritygate.validate.coreml.files.package import open_package
from paritygate.validate.coreml.lower import Lowered, lower
from paritygate.validate.coreml.runtime import Session

RANDOM = np.random.default_rng(5)
STEPS, SIZE, WIDTH = 4, 3, 2
RECURRENT = {"RNN", "GRU", "LSTM", "Scan", "If"}

ACTIVATIONS = {
    "TANH": np.tanh,
    "SCALED_TANH": np.tanh,
    "SIGMOID": lambda v: 1 / (1 + np.exp(-v)),
    "SIGMOID_HARD": lambda v: np.clip(0.2 * v + 0.5, 0, 1),
    "RELU": lambda v: np.maximum(v, 0),
    "LINEAR": lambda v: v,
}


def draw(*shape: int, high: float = 1.0) -> np.ndarray:
    return RANDOM.uniform(-high, high, shape).astype(np.float32)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def lowered(spec: Any, folder: Path, **shapes: tuple[int, ...]) -> Lowered:
    path = folder / "model.mlmodel"
    path.write_bytes(spec.SerializeToString())
    return lower(open_package(path), shapes=shapes)


def nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from nodes(attribute.g)


def operators(made: Lowered) -> set[str]:
    """The operators of recurrences in the graph, and If."""
    return RECURRENT & {node.op_type for node in nodes(made.graph.build()[0].graph)}


def blob(x: np.ndarray) -> np.ndarray:
    """(sequence, batch, vector) as a blob of rank 5."""
    return x[..., None, None]


@pytest.mark.parametrize(("limit", "cell", "wanted"), [
    (0.3, 1, {"Scan"}),  # 4 steps may take the cell beyond it
    (50.0, 1, {"LSTM", "Scan", "If"}),  # it depends on the initial cell, which is small
    (50.0, 200, {"LSTM", "Scan", "If"}),  # and here it is not
])  # fmt: skip
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("coupled", [False, True])
def test_an_lstm_with_everything(
    limit: float, cell: float, wanted: set[str], reverse: bool, coupled: bool, tmp_path: Path
):
    """Peepholes, a clipped cell and coupled gates, against the equations of NeuralNetwork.proto in NumPy."""
    w, r = ([draw(SIZE, n) for _ in range(4)] for n in (WIDTH, SIZE))
    b, peep = ([draw(SIZE) for _ in range(n)] for n in (4, 3))
    made = builder({"x": (WIDTH, 1, 1), "h": (SIZE, 1, 1), "c": (SIZE, 1, 1)}, exact=False)
    made.add_unilstm(
        "lstm", W_h=r, W_x=w, b=b, peep=peep, hidden_size=SIZE, input_size=WIDTH, input_names=["x", "h", "c"],
        output_names=["y", "h_out", "c_out"], inner_activation="SIGMOID", output_all=True, reverse_input=reverse,
        forget_bias=True, coupled_input_forget_gate=coupled, cell_clip_threshold=limit,
    )  # fmt: skip
    x, h, c = draw(STEPS, 1, WIDTH), draw(1, 1, SIZE), draw(1, 1, SIZE, high=cell)
    feeds = {"x": blob(x), "h": blob(h), "c": blob(c)}
    got = loaded(made.spec).session.predict(feeds)["y"]
    h, c, want = h[0, 0], c[0, 0], np.zeros((STEPS, SIZE))
    for place, t in enumerate(range(STEPS)[:: -1 if reverse else 1]):
        i, f, o, z = (w[k] @ x[t, 0] + r[k] @ h + b[k] for k in range(4))
        i, f = sigmoid(i + peep[0] * c), sigmoid(f + peep[1] * c + 1)
        c = np.clip(c * (1 - i if coupled else f) + i * np.tanh(z), -limit, limit)
        h = want[place] = np.tanh(c) * sigmoid(o + peep[2] * c)
    # Near 50 the spacing of float32 is 4e-6.
    np.testing.assert_allclose(got.reshape(STEPS, SIZE), want, rtol=1e-5, atol=1e-5)
    assert operators(lowered(made.spec, tmp_path, **{k: v.shape for k, v in feeds.items()})) == wanted


@pytest.mark.parametrize(("steps", "wanted"), [(STEPS, {"LSTM"}), (60, {"Scan"})])
def test_an_lstm_without_initial_state_uses_onnxs_if_it_is_short_enough(steps: int, wanted: set[str], tmp_path: Path):
    made = builder({"x": (WIDTH, 1, 1)}, exact=False)
    made.add_unilstm(
        "lstm", W_h=[draw(SIZE, SIZE)] * 4, W_x=[draw(SIZE, WIDTH)] * 4, b=None, hidden_size=SIZE, input_size=WIDTH,
        input_names=["x"], output_names=["y"], cell_clip_threshold=50.0,
    )  # fmt: skip
    assert operators(lowered(made.spec, tmp_path, x=(steps, 1, WIDTH, 1, 1))) == wanted


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("reverse", [False, True])
def test_a_simple_recurrence_clips_the_input_of_any_activation(activation: str, reverse: bool, tmp_path: Path):
    """Inputs far beyond 50, so that the default bound applies to those without their own."""
    w, r, b = draw(SIZE, WIDTH, high=40), draw(SIZE, SIZE), draw(SIZE)
    made = builder({"x": (WIDTH, 1, 1)}, exact=False)
    made.add_simple_rnn("rnn", r, w, b, SIZE, WIDTH, activation, ["x"], ["y"], output_all=True, reverse_input=reverse)
    x, h, want = draw(STEPS, 1, WIDTH, high=4), np.zeros(SIZE), np.zeros((STEPS, SIZE))
    for place, t in enumerate(range(STEPS)[:: -1 if reverse else 1]):
        h = want[place] = ACTIVATIONS[activation](np.clip(w @ x[t, 0] + r @ h + b, -50, 50))
    got = loaded(made.spec).session.predict({"x": blob(x)})["y"]
    np.testing.assert_allclose(got.reshape(STEPS, SIZE), want, rtol=1e-5, atol=1e-5)
    assert operators(lowered(made.spec, tmp_path)) == {"RNN"}


@pytest.mark.parametrize(("inner", "outer"), [("SIGMOID", "TANH"), ("SIGMOID_HARD", "RELU"), ("TANH", "LINEAR")])
def test_a_gru_follows_the_equations(inner: str, outer: str, tmp_path: Path):
    w, r, b = ([draw(*shape) for _ in range(3)] for shape in ((SIZE, WIDTH), (SIZE, SIZE), (SIZE,)))
    made = builder({"x": (WIDTH, 1, 1)}, exact=False)
    made.add_gru("gru", r, w, b, SIZE, WIDTH, ["x"], ["y"], outer, inner, output_all=True)
    x, h, want = draw(STEPS, 1, WIDTH), np.zeros(SIZE), np.zeros((STEPS, SIZE))
    for t in range(STEPS):
        z, u = (ACTIVATIONS[inner](w[k] @ x[t, 0] + r[k] @ h + b[k]) for k in range(2))
        o = ACTIVATIONS[outer](w[2] @ x[t, 0] + r[2] @ (u * h) + b[2])
        h = want[t] = (1 - z) * o + z * h
    got = loaded(made.spec).session.predict({"x": blob(x)})["y"]
    np.testing.assert_allclose(got.reshape(STEPS, SIZE), want, rtol=1e-5, atol=1e-6)
    assert operators(lowered(made.spec, tmp_path)) == {"GRU"}


def test_an_activation_unknown_to_onnx_is_computed_step_by_step(tmp_path: Path):
    """ONNX's ThresholdedRelu excludes the equality that Core ML's includes."""
    made = builder({"x": (1, 1, 1)}, exact=False)
    one = np.ones((1, 1), np.float32)
    made.add_simple_rnn("rnn", 0 * one, one, None, 1, 1, "TANH", ["x"], ["y"], output_all=True)
    made.spec.neuralNetwork.layers[0].simpleRecurrent.activation.thresholdedReLU.alpha = 0.5
    x = np.array([0.25, 0.5, 0.75], np.float32).reshape(3, 1, 1)
    got = loaded(made.spec).session.predict({"x": blob(x)})["y"]
    assert got.reshape(-1).tolist() == [0, 0.5, 0.75]
    assert operators(lowered(made.spec, tmp_path)) == {"Scan"}


@pytest.mark.parametrize("scale", [1, 200])
@pytest.mark.parametrize("direction", ["forward", "bidirectional"])
def test_a_clipped_lstm_decides_at_run_time(scale: float, direction: str, tmp_path: Path):
    """An ML Program whose initial cell is an input: below the bound it is ONNX's LSTM, above it a Scan."""
    ct = coremltools()
    from coremltools.converters.mil import Builder

    limit, sides = 50.0, 1 + (direction == "bidirectional")
    weights = [(draw(4 * SIZE, WIDTH), draw(4 * SIZE, SIZE)) for _ in range(sides)]
    back = {"weight_ih_back": weights[1][0], "weight_hh_back": weights[1][1]} if sides == 2 else {}

    @Builder.program(
        input_specs=[Builder.TensorSpec((STEPS, 1, WIDTH)), Builder.TensorSpec((1, sides * SIZE))],
        opset_version=ct.target.iOS17,
    )
    def program(x, c):
        return Builder.lstm(
            x=x, initial_h=np.zeros((1, sides * SIZE), np.float32), initial_c=c, weight_ih=weights[0][0],
            weight_hh=weights[0][1], direction=direction, output_sequence=True, clip=limit, **back,
        )  # fmt: skip

    model = ct.convert(
        program, convert_to="mlprogram", compute_precision=ct.precision.FLOAT32,
        minimum_deployment_target=ct.target.iOS17, skip_model_load=True,
    )  # fmt: skip
    model.save(str(tmp_path / "lstm.mlpackage"))
    made = lower(open_package(tmp_path / "lstm.mlpackage"))
    assert operators(made) == {"LSTM", "Scan", "If"}
    x, c0 = draw(STEPS, 1, WIDTH), draw(1, sides * SIZE, high=scale)
    names = [o.name for o in made.outputs]
    got = Session(made).predict(dict(zip([i.name for i in made.inputs], (x, c0), strict=True)))
    for side, (w, r) in enumerate(weights):
        part = slice(side * SIZE, (side + 1) * SIZE)
        h, c, want = np.zeros(SIZE), c0[0, part], np.zeros((STEPS, SIZE))
        for t in range(STEPS)[:: -1 if side else 1]:
            i, f, o, z = np.split(w @ x[t, 0] + r @ h, 4)
            c = np.clip(sigmoid(f) * c + sigmoid(i) * np.tanh(z), -limit, limit)
            h = want[t] = sigmoid(o) * np.tanh(c)
        np.testing.assert_allclose(got[names[0]][:, 0, part], want, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(got[names[2]][0, part], c, rtol=1e-5, atol=1e-5)
