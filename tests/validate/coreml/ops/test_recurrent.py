"""Recurrent operators against PyTorch and numpy."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from draws import check, draw
from oracle import by_lowering

from paritygate.validate.errors import ParityGateError

SEQUENCE = draw(4, 3, 2)

HIDDEN = 5


def gates(weights: torch.Tensor, order: tuple[int, ...]) -> np.ndarray:
    parts = np.split(weights.detach().numpy(), len(order))
    return np.concatenate([parts[i] for i in order])


def flat(state: torch.Tensor) -> np.ndarray:
    return np.concatenate(list(state.detach().numpy()), -1)


@pytest.mark.parametrize(
    ("both", "whole", "clip"), list(product([False, True], [False, True], [None, 100.0]))
)  # fmt: skip
def test_lstm(both: bool, whole: bool, clip: float | None):
    network = torch.nn.LSTM(2, HIDDEN, bidirectional=both)
    h, c = draw(1 + both, 3, HIDDEN), draw(1 + both, 3, HIDDEN)
    y, (last, cell) = network(torch.from_numpy(SEQUENCE), (torch.from_numpy(h), torch.from_numpy(c)))
    arguments = {
        "x": SEQUENCE, "initial_h": flat(torch.from_numpy(h)), "initial_c": flat(torch.from_numpy(c)),
        "direction": "bidirectional" if both else "forward", "output_sequence": whole,
    }  # fmt: skip
    for suffix, own in (("", ""), ("_back", "_reverse"))[: 1 + both]:
        order = (0, 1, 3, 2)
        arguments[f"weight_ih{suffix}"] = gates(getattr(network, f"weight_ih_l0{own}"), order)
        arguments[f"weight_hh{suffix}"] = gates(getattr(network, f"weight_hh_l0{own}"), order)
        biases = (getattr(network, f"bias_{kind}_l0{own}") for kind in ("ih", "hh"))
        arguments[f"bias{suffix}"] = sum(gates(b, order) for b in biases)
    if clip:
        arguments["clip"] = clip
    wanted = y.detach() if whole else flat(last)[None]
    check("lstm", arguments, 17, wanted, flat(last), flat(cell), computed=("x", "initial_h", "initial_c"))


ACTIVATIONS = {
    "tanh": np.tanh,
    "scaled_tanh": np.tanh,
    "relu": lambda v: np.maximum(v, 0),
    "sigmoid": lambda v: 1 / (1 + np.exp(-v)),
    "hard_sigmoid": lambda v: np.clip(0.2 * v + 0.5, 0, 1),
    "linear": lambda v: v,
}


@pytest.mark.parametrize(
    ("inner", "cell", "outer", "clip", "direction"),
    [
        ("sigmoid", "tanh", "relu", None, "forward"),
        ("hard_sigmoid", "scaled_tanh", "linear", None, "reverse"),
        ("hard_sigmoid", "relu", "scaled_tanh", 0.3, "forward"),
        ("sigmoid", "linear", "hard_sigmoid", 0.1, "reverse"),
        ("tanh", "sigmoid", "tanh", 0.2, "reverse"),
    ],
)
def test_lstm_with_peepholes_and_other_functions(inner: str, cell: str, outer: str, clip: float | None, direction: str):
    weight, recurrent, bias, peephole = (
        draw(4 * HIDDEN, 2),
        draw(4 * HIDDEN, HIDDEN),
        draw(4 * HIDDEN),
        draw(3 * HIDDEN),
    )
    h0, c0 = draw(3, HIDDEN), draw(3, HIDDEN)
    h, c, outputs = h0.astype(np.float64), c0.astype(np.float64), []
    peep_i, peep_f, peep_o = np.split(peephole, 3)
    for t in range(4) if direction == "forward" else range(3, -1, -1):
        i, f, o, z = np.split(SEQUENCE[t] @ weight.T + h @ recurrent.T + bias, 4, axis=1)
        i, f = ACTIVATIONS[inner](i + c * peep_i), ACTIVATIONS[inner](f + c * peep_f)
        c = f * c + i * ACTIVATIONS[cell](z)
        c = np.clip(c, -clip, clip) if clip else c
        h = ACTIVATIONS[inner](o + c * peep_o) * ACTIVATIONS[outer](c)
        outputs.append(h)  # Apple's tests expect them in the order of their computation
    arguments = {
        "x": SEQUENCE, "initial_h": h0, "initial_c": c0, "weight_ih": weight, "weight_hh": recurrent, "bias": bias,
        "peephole": peephole, "direction": direction, "output_sequence": True, "recurrent_activation": inner,
        "cell_activation": cell, "activation": outer, **({"clip": clip} if clip else {}),
    }  # fmt: skip
    wanted = [w.astype(np.float32) for w in (np.stack(outputs), h, c)]
    check("lstm", arguments, 17, *wanted, computed=("x", "initial_h", "initial_c"))


def test_gru_with_reset_after_agrees_with_pytorch():
    network, h = torch.nn.GRU(2, HIDDEN), draw(1, 3, HIDDEN)
    y, last = network(torch.from_numpy(SEQUENCE), torch.from_numpy(h))
    order = (0, 2, 1)
    arguments = {
        "x": SEQUENCE, "initial_h": h[0], "weight_ih": gates(network.weight_ih_l0, order),
        "weight_hh": gates(network.weight_hh_l0, order), "input_bias": gates(network.bias_ih_l0, order),
        "bias": gates(network.bias_hh_l0, order), "reset_after": True, "output_sequence": True,
    }  # fmt: skip
    check("gru", arguments, 18, y.detach(), last.detach()[0], computed=("x", "initial_h"))


def test_an_unknown_activation_is_rejected():
    weights = {"weight_ih": draw(HIDDEN, 2), "weight_hh": draw(HIDDEN, HIDDEN)}
    arguments = {"x": SEQUENCE, "initial_h": draw(3, HIDDEN), **weights, "activation": "gelu"}
    with pytest.raises(ParityGateError, match="activation 'gelu' is not one of tanh"):
        by_lowering("rnn", arguments, 15, [np.zeros((1, 3, HIDDEN), np.float32), draw(3, HIDDEN)], ["x"])
