"""Models that post-process the outputs of a classifier or an object detector."""

from __future__ import annotations

from collections.abc import Mapping

from ..graph import Graph, Slot, Tensor
from ..shared.suppression import suppressed
from .base import ModelContext, tensor_input


def identity(g: Graph, context: ModelContext, slots: Mapping[str, Slot]) -> dict[str, Slot]:
    """Its inputs: under the same name, otherwise in the same order."""
    pairs = zip(context.output_names, context.input_names, strict=True)
    return {out: slots[out] if out in slots else slots[given] for out, given in pairs}


def class_confidence_thresholding(g: Graph, context: ModelContext, slots: Mapping[str, Slot]) -> dict[str, Slot]:
    """Its inputs: the precision and recall curves are for the application, which chooses a threshold."""
    return identity(g, context, slots)


def non_maximum_suppression(g: Graph, context: ModelContext, slots: Mapping[str, Slot]) -> dict[str, Slot]:
    """Boxes (x and y of the centre, width, height) that don't overlap a better one too much, best first."""
    p = context.body
    scores, boxes = (
        g.cast(tensor_input(context, slots, name), "float32")
        for name in (p.confidenceInputFeatureName, p.coordinatesInputFeatureName)
    )
    batch = g.const([0], "int64")
    iou = _threshold(g, context, slots, p.iouThresholdInputFeatureName, p.iouThreshold)
    least = _threshold(g, context, slots, p.confidenceThresholdInputFeatureName, p.confidenceThreshold)
    kept, confidences, _, count = suppressed(
        g, g.op("Unsqueeze", boxes, batch), g.op("Unsqueeze", scores, batch), g.dim(scores, 0), iou, least,
        p.pickTop.perClass,
    )  # fmt: skip
    # The shared code keeps the best box even when none reaches the threshold; this model then returns none.
    found = g.op("GreaterOrEqual", g.op("ReduceMax", scores, keepdims=0), least)
    count = g.op("Where", found, count, g.const([0], "int64"))
    rows = [g.op("Slice", g.op("Squeeze", v, batch), batch, count, batch) for v in (confidences, kept)]
    return {p.confidenceOutputFeatureName: rows[0], p.coordinatesOutputFeatureName: rows[1]}


def _threshold(g: Graph, context: ModelContext, slots: Mapping[str, Slot], name: str, default: float) -> Tensor:
    """A threshold that may be an input; if it isn't, the model's own value."""
    if name not in slots:
        return g.const(default, "float32")
    return g.reshape(g.cast(tensor_input(context, slots, name), "float32"), [])
