"""Neural networks as models: features become blobs, and blobs become features."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ..errors import damaged, unsupported
from ..features import BGR, feature
from ..files.proto import Message
from ..graph import Graph, Slot, Tensor
from ..network import lower_layers
from .base import ModelContext
from .classifier import class_labels, classified

RANK5 = 0
"""Both mapping enums: blobs have the axes sequence, batch, channel, height, width."""


def takes_sequences(spec: Message) -> bool:
    """Whether arrays may have leading sequence and batch axes, which the description omits."""
    kind = spec.WhichOneof("Type")
    return bool(kind.startswith("neuralNetwork") and getattr(spec, kind).arrayInputShapeMapping == RANK5)


def neural_network(g: Graph, context: ModelContext, slots: Mapping[str, Slot]) -> dict[str, Slot]:
    """A network whose outputs are arrays or images."""
    blobs = _lower(g, context, slots)
    return {d.name: _output(g, context, d, blobs) for d in context.description.output if d.name in blobs}


def neural_network_classifier(g: Graph, context: ModelContext, slots: Mapping[str, Slot]) -> dict[str, Slot]:
    """A network with a blob of class probabilities."""
    blobs = _lower(g, context, slots)
    name = context.body.labelProbabilityLayerName or list(blobs)[-1]
    if name not in blobs:
        raise damaged("the classifier", f"its probabilities are '{name}', which no layer computes")
    rest = {d.name: _output(g, context, d, blobs) for d in context.description.output if d.name in blobs}
    return {**rest, **classified(g, context, class_labels(context.body), blobs[name])}


def _lower(g: Graph, context: ModelContext, slots: Mapping[str, Slot]) -> dict[str, Tensor]:
    images = {d.name: d.type.imageType for d in context.description.input if d.type.WhichOneof("Type") == "imageType"}
    blobs = {name: _input(g, context, name, slots[name], name in images) for name in context.input_names}
    for step in context.body.preprocessing:
        name = step.featureName or next(iter(images), next(iter(blobs)))
        blobs[name] = _preprocessed(g, step, blobs[name], name in images and images[name].colorSpace == BGR)
    return blobs | lower_layers(g, context.body, blobs)


def _input(g: Graph, context: ModelContext, name: str, slot: Slot, is_image: bool) -> Tensor:
    if not isinstance(slot, Tensor):
        raise unsupported(f"input '{name}'", "a neural network accepts arrays and images only")
    x = g.cast(slot, "float32")
    mapping = context.body.imageInputShapeMapping if is_image else context.body.arrayInputShapeMapping
    if mapping != RANK5 or x.rank == 5:
        return x
    missing = [0, 1, 3, 4] if x.rank == 1 else list(range(5 - x.rank))
    return g.op("Unsqueeze", x, g.const(missing, "int64"))


def _preprocessed(g: Graph, step: Message, x: Tensor, is_bgr: bool) -> Tensor:
    """Scale and shift an image, or subtract a mean image, before the first layer."""
    channels = (x.shape or ())[-3]
    if step.WhichOneof("preprocessor") == "meanImage":
        height, width = (d or -1 for d in (x.shape or ())[-2:])
        mean = g.const(list(step.meanImage.meanImage), "float32")
        return g.op("Sub", x, g.reshape(mean, [channels or -1, height, width]))
    p = step.scaler
    colours = [p.redBias, p.greenBias, p.blueBias]
    bias = [p.grayBias] if channels == 1 else colours[::-1] if is_bgr else colours
    return g.op("Add", g.op("Mul", x, g.like(p.channelScale, x)), g.reshape(g.const(bias, "float32"), [-1, 1, 1]))


def _output(g: Graph, context: ModelContext, description: Message, blobs: Mapping[str, Tensor]) -> Tensor:
    """A blob as its feature: without axes of length 1 that the declared shape omits."""
    x = blobs[description.name]
    declared = feature(description).shape
    if declared is not None and None not in declared and x.static_shape is not None:
        is_same = math.prod(x.static_shape) == math.prod(d or 1 for d in declared)
        return g.reshape(x, [d or 1 for d in declared]) if is_same else x
    # Without a declared shape, a rank 5 blob becomes (C, H, W) unless sequence or batch is longer than 1.
    if context.body.arrayInputShapeMapping == RANK5 and x.rank == 5 and (x.shape or ())[:2] == (1, 1):
        return g.op("Squeeze", x, g.const([0, 1], "int64"))
    return x
