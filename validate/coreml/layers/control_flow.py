"""Branches and loops. Their networks see all outer blobs, and blobs that they define or replace are visible afterwards.

A network is a list of layers, so a break or continue inside a branch must also skip the layers after the branch: the
two layers set flags, and :func:`.network.lower_layers` guards the remaining layers with them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..errors import damaged, unsupported
from ..files.proto import Message
from ..graph import Graph, Shape, Tensor
from ..layer import Layer, lowers
from ..shared.branching import BROKEN, SKIPPING, Network, common_shape, select
from ..shared.floats import indices, scalar

ZERO = 1e-6
"""A condition is true if its absolute value is greater."""
_MAX_LOWERINGS = 4


def _holds(g: Graph, x: Tensor) -> Tensor:
    return scalar(g, g.op("Greater", g.op("Abs", x), g.like(ZERO, x)))


@lowers("branch")
def branch(g: Graph, layer: Layer, condition: Tensor) -> dict[str, Tensor]:
    """The blobs of ifBranch if the condition is true, else those of elseBranch."""
    p = layer.params
    chosen, other = _network(layer, p.ifBranch), _network(layer, p.elseBranch)
    if condition.value is not None and condition.value.size == 1:
        return (chosen if abs(condition.value.item()) > ZERO else other).lower(g)
    return select(g, _holds(g, condition), chosen, other, layer.blobs)


def _network(layer: Layer, message: Message) -> Network:
    return Network(message.layers, lambda g: layer.nested(g, message, layer.blobs))


@lowers("loopBreak")
def loop_break(g: Graph, layer: Layer) -> dict[str, Tensor]:
    """Ends the loop."""
    return {**loop_continue(g, layer), BROKEN: g.const(True, "bool")}


@lowers("loopContinue")
def loop_continue(g: Graph, layer: Layer) -> dict[str, Tensor]:
    """Ends this iteration."""
    if SKIPPING not in layer.blobs:
        raise damaged(str(layer), "it is outside of a loop")
    return {SKIPPING: g.const(True, "bool")}


@lowers("loop")
def loop(g: Graph, layer: Layer, limit: Tensor | None = None) -> dict[str, Tensor]:
    """bodyNetwork a given number of times, or while conditionNetwork gives a true condition, or both.

    The graph of an iteration is rebuilt until its input shapes equal its output shapes.
    """
    start = layer.nested(g, layer.params.conditionNetwork, layer.blobs)
    before = {**layer.blobs, **start}
    names = [name for name in _pass(g.subgraph(), layer, before) if name not in (SKIPPING, BROKEN)]
    shapes = {name: before[name].shape if name in before else None for name in names}
    for _ in range(_MAX_LOWERINGS):
        body, after = _body(g, layer, before, shapes)
        found = {name: common_shape(shapes[name], after[name].shape) for name in names}
        if found == shapes:
            break
        shapes = found
    else:
        raise unsupported(str(layer), "the shapes of its blobs don't converge")
    # A blob that is only defined inside the loop is empty before the first iteration; nothing reads it there.
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
        raise damaged(str(layer), f"conditionNetwork doesn't define '{name}'")
    return _holds(g, blobs[name])


def _pass(g: Graph, layer: Layer, blobs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """One iteration: the body, then the condition of the next. Flags among the blobs tell whether it was broken off."""
    p = layer.params
    flags = {SKIPPING: g.const(False, "bool"), BROKEN: g.const(False, "bool")}
    made = layer.nested(g, p.bodyNetwork, {**blobs, **flags})
    return made | layer.nested(g, p.conditionNetwork, {**blobs, **made})


def _body(
    g: Graph, layer: Layer, before: Mapping[str, Tensor], shapes: Mapping[str, Shape | None]
) -> tuple[Graph, dict[str, Tensor]]:
    """The graph of one iteration, and the blobs after it."""
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
