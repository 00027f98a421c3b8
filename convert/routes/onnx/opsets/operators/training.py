"""Dropout, which does nothing where nothing is trained."""

from __future__ import annotations

from ..plain import plain_down, plain_up
from ..refusal import InexpressibleError
from ..rewrite import Rewrite
from ..rules import down, up


@down(12, "Dropout")
def dropout_for_inference(w: Rewrite) -> None:
    """Before opset 12 a graph doesn't train: the ratio says nothing."""
    training = w.constant(2) if w.has(2) else None
    if w.has(2) and (training is None or training.any()):
        raise InexpressibleError("there Dropout doesn't train, and here training_mode is true or computed")
    ratio, x = w.constant(1), w.input(0)
    if w.uses(1):  # where nothing is dropped the mask is true everywhere, but engines differ in what they give
        w.op("Not", w.op("Less", x, x), outs=w.node.output[1:])
        w.op("Identity", x, outs=w.node.output[:1])
        return
    plain_down(w, ["seed"], [w.input(0)], ratio=None if ratio is None else float(ratio.reshape(-1)[0]))


@down(10, "Dropout")
@up(10, "Dropout")
def dropout_with_a_mask(w: Rewrite) -> None:
    """The mask has another dtype; where nothing is dropped hardly anyone reads it."""
    if w.uses(1):
        raise InexpressibleError("its second output has another dtype there")
    (plain_up if w.opset > w.before else plain_down)(w)
