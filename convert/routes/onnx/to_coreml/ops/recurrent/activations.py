"""The activations of ONNX' recurrent operators."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ...mil import Var, mb
from ...node import Node
from ...values import Floats


def _scaled_tanh(x: Var, alpha: float, beta: float) -> Var:
    return mb.mul(x=mb.tanh(x=mb.mul(x=x, y=beta)), y=alpha)


def _thresholded_relu(x: Var, alpha: float) -> Var:
    return mb.select(cond=mb.greater(x=x, y=alpha), a=x, b=mb.mul(x=x, y=0.0))


ACTIVATIONS: dict[str, tuple[Callable[..., Var], dict[str, float | None]]] = {
    "affine": (lambda x, alpha, beta: mb.add(x=mb.mul(x=x, y=alpha), y=beta), {"alpha": None, "beta": None}),
    "elu": (lambda x, alpha: mb.elu(x=x, alpha=alpha), {"alpha": 1.0}),
    "hardsigmoid": (lambda x, alpha, beta: mb.sigmoid_hard(x=x, alpha=alpha, beta=beta), {"alpha": 0.2, "beta": 0.5}),
    "leakyrelu": (lambda x, alpha: mb.leaky_relu(x=x, alpha=alpha), {"alpha": 0.01}),
    "relu": (lambda x: mb.relu(x=x), {}),
    "scaledtanh": (_scaled_tanh, {"alpha": None, "beta": None}),
    "sigmoid": (lambda x: mb.sigmoid(x=x), {}),
    "softplus": (lambda x: mb.softplus(x=x), {}),
    "softsign": (lambda x: mb.softsign(x=x), {}),
    "tanh": (lambda x: mb.tanh(x=x), {}),
    "thresholdedrelu": (_thresholded_relu, {"alpha": None}),
}
"""Each with the defaults of its constants; None where ONNX and ONNX Runtime disagree on the default."""

NATIVE = {"tanh", "sigmoid", "relu"}
"""Activations that Core ML's recurrent operators have, with the same definition in all documents."""


@dataclass(frozen=True, slots=True)
class Activation:
    """An activation with its constants."""

    name: str
    constants: dict[str, float]

    def __call__(self, x: Var) -> Var:
        """Apply it."""
        return ACTIVATIONS[self.name][0](x, **self.constants)


def activations_of(node: Node, names: Sequence[str], alphas: Floats, betas: Floats) -> list[Activation]:
    """The activations that a node names; those with constants consume ``alphas`` and ``betas`` in turn."""
    given = {"alpha": iter(alphas), "beta": iter(betas)}
    return [_activation(node, name.lower(), given) for name in names]


def _activation(node: Node, name: str, given: dict[str, Iterator[float]]) -> Activation:
    if name not in ACTIVATIONS:
        raise node.unsupported(f"its activation '{name}' is not one of {', '.join(ACTIVATIONS)}")
    constants = {key: next(given[key], default) for key, default in ACTIVATIONS[name][1].items()}
    if None in constants.values():
        raise node.unsupported(f"its activation '{name}' needs activation_{' and activation_'.join(constants)}")
    return Activation(name, {key: value for key, value in constants.items() if value is not None})
