"""Convolutions over height and width; all axes before the channels are batch."""

from __future__ import annotations

from typing import Any

from ..graph import Graph, Value
from ..layer import Layer, images, lowers

HEAVY = {0: "SAME_UPPER", 1: "SAME_LOWER"}
"""SamePaddingMode: an odd amount of padding goes to the bottom right, or to the top left."""


@lowers("convolution")
def convolution(g: Graph, layer: Layer, x: Value, weight: Value | None = None, bias: Value | None = None) -> Value:
    """Convolution, or with isDeconvolution its transpose; a second and third input replace the stored weights."""
    p = layer.params
    kernel = tuple(p.kernelSize) or (3, 3)
    groups = p.nGroups or 1
    rows, columns = (p.kernelChannels, p.outputChannels // groups) if p.isDeconvolution else (
        p.outputChannels, p.kernelChannels,
    )  # fmt: skip
    if weight is None:
        weight = g.const(layer.weights(p.weights, (rows, columns, *kernel)))
    if bias is None and p.hasBias:
        bias = g.const(layer.weights(p.bias, (p.outputChannels,)))
    lowering = _transposed if p.isDeconvolution else _plain
    return images(g, x, 2, lambda image: lowering(g, p, image, weight, bias))


def _plain(g: Graph, p: Any, x: Value, weight: Value, bias: Value | None) -> Value:
    return g.op(
        "Conv", x, weight, bias, strides=tuple(p.stride) or (1, 1), dilations=tuple(p.dilationFactor) or (1, 1),
        group=p.nGroups or 1, **padding(p, p.WhichOneof("ConvolutionPaddingType")),
    )  # fmt: skip


def _transposed(g: Graph, p: Any, x: Value, weight: Value, bias: Value | None) -> Value:
    strides = tuple(p.stride) or (1, 1)
    shape = {"output_shape": tuple(p.outputShape), "auto_pad": "SAME_UPPER"} if p.outputShape else None
    pads = shape or padding(p, p.WhichOneof("ConvolutionPaddingType"))
    return g.op("ConvTranspose", x, weight, bias, strides=strides, group=p.nGroups or 1, **pads)


def padding(p: Any, kind: str | None) -> dict[str, Any]:
    """ONNX's padding attributes for the message's ``valid`` or ``same`` padding."""
    if kind == "same":
        return {"auto_pad": HEAVY[p.same.asymmetryMode]}
    borders = p.valid.paddingAmounts.borderAmounts
    return {"pads": [b.startEdgeSize for b in borders] + [b.endEdgeSize for b in borders] or None}
