"""Branches and loops. Their networks see every blob around them, and what they define or replace is seen after them.

A network is a list of layers, so a break or continue inside a branch has to skip what follows the branch as well: the
two layers set flags, and :func:`.network.lower_layers` guards the rest with them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..files.proto import Message
from ..graph import Graph, Shape, Tensor
from ..layer import Layer, lowers
from ..refuse import damaged, unsupported
from ..shared.branching import BROKEN, SKIPPING, Network, common_shape, select
from ..shared.floats import indices, scalar

ZERO = 1e-6
"""A condition holds when its absolute value is greater."""
_MOST_LOWERINGS = 4


def _holds(g: Graph, x: Tensor) -> Tensor:
    return scalar(g, g.op("Greater", g.op("Abs", x), g.like(ZERO, x)))


@lowers("branch")
def branch(g: Graph, layer: Layer, condition: Tensor) -> dict[str, Tensor]:
    """The blobs that ifBranch gives where the condition holds, else those of elseBranch."""
    p = layer.params
    chosen, other = _network(layer, p.ifBranch), _network(layer, p.elseBranch)
    if condition.value is not None:
        return (chosen if abs(condition.value.item()) > ZERO else other).lower(g)
    return select(g, _holds(g, condition), chosen, other, layer.blobs)


def _network(layer: Layer, message: Message) -> Network:
    return Network(message.layers, lambda g: layer.nested(g, message, layer.blobs))


@lowers("loopBreak")
def loop_break(g: Graph, layer: Layer) -> dict[str, Tensor]:
    """Nothing more of the loop is done."""
    return {**loop_continue(g, layer), BROKEN: g.const(True, "bool")}


@lowers("loopContinue")
def loop_continue(g: Graph, layer: Layer) -> dict[str, Tensor]:
    """Nothing more of this pass is done."""
    if SKIPPING not in layer.blobs:
        raise damaged(str(layer), "it stands outside of a loop")
    return {SKIPPING: g.const(True, "bool")}


@lowers("loop")
def loop(g: Graph, layer: Layer, limit: Tensor | None = None) -> dict[str, Tensor]:
    """bodyNetwork so many times, or as long as conditionNetwork gives a condition that holds, or both.

    The graph of a pass is made again until the shapes that go into it are those that come out.
    """
    start = layer.nested(g, layer.params.conditionNetwork, layer.blobs)
    before = {**layer.blobs, **start}
    names = [name for name in _pass(g.subgraph(), layer, before) if name not in (SKIPPING, BROKEN)]
    shapes = {name: before[name].shape if name in before else None for name in names}
    for _ in range(_MOST_LOWERINGS):
        body, after = _body(g, layer, before, shapes)
        found = {name: common_shape(shapes[name], after[name].shape) for name in names}
        if found == shapes:
            break
        shapes = found
    else:
        raise unsupported(str(layer), "the shapes of its blobs don't settle")
    # A blob that only the passes define is empty before the first; nothing reads it there.
    empty = g.const(np.zeros(0, np.float32))
    initial = [before.get(name, empty) for name in names]
    types = [
        (v.dtype, shapes[name] if name in before else after[name].shape) for name, v in zip(names, initial, strict=True)
    ]
    going = _goes_on(g, layer, start)
    finals = g.ops("Loop", _count(g, layer, limit), going, *initial, outputs=len(types), types=types, body=body)
    return start | dict(zip(names, finals, strict=True))


def _count(g: Graph, layer: Layer, limit: Tensor | None) -> Tensor | None:
    if limit is not None:
        return scalar(g, indices(g, limit))
    p = layer.params
    if p.maxLoopIterations or not p.conditionVar:
        return g.const(p.maxLoopIterations, "int64")
    return None


def _goes_on(g: Graph, layer: Layer, blobs: Mapping[str, Tensor]) -> Tensor:
    name = layer.params.conditionVar
    if not name:
        return g.const(True, "bool")
    if name not in blobs:
        raise damaged(str(layer), f"conditionNetwork doesn't give '{name}'")
    return _holds(g, blobs[name])


def _pass(g: Graph, layer: Layer, blobs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """One pass: the body, then the condition for the next. Flags among the blobs say whether it was broken off."""
    p = layer.params
    flags = {SKIPPING: g.const(False, "bool"), BROKEN: g.const(False, "bool")}
    made = layer.nested(g, p.bodyNetwork, {**blobs, **flags})
    return made | layer.nested(g, p.conditionNetwork, {**blobs, **made})


def _body(
    g: Graph, layer: Layer, before: Mapping[str, Tensor], shapes: Mapping[str, Shape | None]
) -> tuple[Graph, dict[str, Tensor]]:
    """The graph of one pass, and the blobs after it."""
    body = g.subgraph()
    body.input("pass", "int64", ())
    body.input("goes_on", "bool", ())
    inner = {name: body.input("blob", "float32", shape) for name, shape in shapes.items()}
    after = _pass(body, layer, {**layer.blobs, **{name: v for name, v in inner.items() if name in before}})
    goes_on = _goes_on(body, layer, after)
    if BROKEN in after:
        goes_on = body.op("And", goes_on, body.op("Not", after[BROKEN]))
    body.output(goes_on)
    for name in shapes:
        body.output(after[name])
    return body, after
