"""The activation layer: one kind of layer with a message per nonlinearity."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import unsupported
from ..files.proto import Message
from ..graph import Graph, Tensor
from ..layer import Layer, lowers

Nonlinearity = Callable[[Graph, Layer, Message, Tensor], Tensor]

PLAIN = {"ReLU": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid", "softsign": "Softsign", "softplus": "Softplus"}
WITH_ALPHA = {"leakyReLU": "LeakyRelu", "ELU": "Elu"}


@lowers("activation")
def activation(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """One of thirteen elementwise nonlinearities."""
    return nonlinearity(g, layer, layer.params, x)


def nonlinearity(g: Graph, layer: Layer, params: Message, x: Tensor) -> Tensor:
    """The function of an ActivationParams message; recurrent layers have several."""
    kind = params.WhichOneof("NonlinearityType")
    if kind in PLAIN:
        return g.op(PLAIN[kind], x)
    if kind in WITH_ALPHA:
        return g.op(WITH_ALPHA[kind], x, alpha=getattr(params, kind).alpha)
    if kind in OTHERS:
        return OTHERS[kind](g, layer, getattr(params, kind), x)
    raise unsupported(str(layer), f"the activation {kind} has no lowering")


def _linear(g: Graph, layer: Layer, p: Message, x: Tensor) -> Tensor:
    return g.op("Add", g.op("Mul", x, g.like(p.alpha, x)), g.like(p.beta, x))


def _scaled_tanh(g: Graph, layer: Layer, p: Message, x: Tensor) -> Tensor:
    return g.op("Mul", g.op("Tanh", g.op("Mul", x, g.like(p.beta, x))), g.like(p.alpha, x))


def _sigmoid_hard(g: Graph, layer: Layer, p: Message, x: Tensor) -> Tensor:
    return g.op("HardSigmoid", x, alpha=p.alpha, beta=p.beta)


def _thresholded_relu(g: Graph, layer: Layer, p: Message, x: Tensor) -> Tensor:
    above = g.op("GreaterOrEqual", x, g.like(p.alpha, x))
    return g.op("Where", above, x, g.like(0, x))


def _prelu(g: Graph, layer: Layer, p: Message, x: Tensor) -> Tensor:
    return g.op("PRelu", x, _per_channel(g, layer, p.alpha, x))


def _parametric_softplus(g: Graph, layer: Layer, p: Message, x: Tensor) -> Tensor:
    inner = g.op("Softplus", g.op("Mul", x, _per_channel(g, layer, p.beta, x)))
    return g.op("Mul", inner, _per_channel(g, layer, p.alpha, x))


def _per_channel(g: Graph, layer: Layer, field: Message, x: Tensor) -> Tensor:
    """A vector over the channel axis -3 (or one number for all channels), shaped so that it broadcasts."""
    return g.const(layer.vector(field, (x.shape or (None,) * 3)[-3]).reshape(-1, 1, 1))


OTHERS: dict[str, Nonlinearity] = {
    "linear": _linear,
    "scaledTanh": _scaled_tanh,
    "sigmoidHard": _sigmoid_hard,
    "thresholdedReLU": _thresholded_relu,
    "PReLU": _prelu,
    "parametricSoftplus": _parametric_softplus,
}
