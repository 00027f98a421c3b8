"""Random layers: of a stored shape, of the shape of a blob, or of the shape given by the values of a blob."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ..graph import Graph, Tensor
from ..layer import LAYERS, Layer, lowers
from ..ops import random
from ..shared.floats import number, shape_vector

Draw = Callable[[Graph, Layer, Tensor], Tensor]


def _normal(g: Graph, layer: Layer, shape: Tensor) -> Tensor:
    p = layer.params
    return random.random_normal(g, shape=shape, mean=p.mean, stddev=p.stdDev, seed=p.seed)


def _uniform(g: Graph, layer: Layer, shape: Tensor) -> Tensor:
    p = layer.params
    return random.random_uniform(g, layer.op, shape=shape, low=p.minVal, high=p.maxVal, seed=p.seed)


def _bernoulli(g: Graph, layer: Layer, shape: Tensor) -> Tensor:
    return random.random_bernoulli(g, shape=shape, prob=layer.params.prob, seed=layer.params.seed)


def _static(draw: Draw, g: Graph, layer: Layer) -> Tensor:
    shape = tuple(layer.params.outputShape)
    return g.typed(draw(g, layer, g.const(shape, "int64")), shape)


def _like(draw: Draw, g: Graph, layer: Layer, x: Tensor) -> Tensor:
    return g.typed(draw(g, layer, g.shape_of(x)), x.shape)


def _dynamic(draw: Draw, g: Graph, layer: Layer, shape: Tensor) -> Tensor:
    return draw(g, layer, shape_vector(g, shape))


for _name, _draw in {"Normal": _normal, "Uniform": _uniform, "Bernoulli": _bernoulli}.items():
    LAYERS.add(f"random{_name}Static", partial(_static, _draw))
    LAYERS.add(f"random{_name}Like", partial(_like, _draw))
    LAYERS.add(f"random{_name}Dynamic", partial(_dynamic, _draw))


@lowers("categoricalDistribution")
def categorical_distribution(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """Indices along the last axis, drawn with the probabilities or logits along it."""
    p = layer.params
    if p.isLogits or p.temperature not in (0, 1):
        # The temperature divides logits, including those computed from probabilities.
        logits = x if p.isLogits else g.op("Log", g.op("Add", x, g.like(p.eps or 1e-10, x)))
        x, mode = g.op("Div", logits, g.like(p.temperature or 1, x)), "logits"
    else:
        mode = "probs"
    drawn = random.random_categorical(g, layer.op, x=x, mode=mode, size=p.numSamples, seed=p.seed)
    return number(g, drawn)
