"""Convolutions over height and width, or depth too; all axes before the channels are batch."""

from __future__ import annotations

from typing import Any

from ..bind import Ints
from ..graph import Graph, Tensor
from ..layer import Layer, images, lowers
from ..ops import conv

HEAVY = ("same", "same_lower")
"""SamePaddingMode: an odd amount of padding goes to the bottom right, or to the top left."""


@lowers("convolution")
def convolution(g: Graph, layer: Layer, x: Tensor, weight: Tensor | None = None) -> Tensor:
    """Convolution, or with isDeconvolution its transpose; a second input replaces the stored weights."""
    p = layer.params
    kernel = tuple(p.kernelSize) or (3, 3)
    strides, dilations = tuple(p.stride) or None, tuple(p.dilationFactor) or None
    pads = padding(p, p.WhichOneof("ConvolutionPaddingType"))
    stored = weight or _weights(g, layer, p.kernelChannels, kernel)
    return images(g, x, 2, lambda image: _convolved(g, layer, image, stored, strides, dilations, pads))


def padding(p: Any, kind: str | None) -> dict[str, Any]:
    """``pad_type`` and ``pad`` as the operators name them, from the message's ``valid`` or ``same`` padding."""
    if kind == "same":
        return {"pad_type": HEAVY[p.same.asymmetryMode]}
    borders = p.valid.paddingAmounts.borderAmounts
    amounts = tuple(a for b in borders for a in (b.startEdgeSize, b.endEdgeSize))
    return {"pad_type": "custom", "pad": amounts} if any(amounts) else {"pad_type": "valid"}


def _weights(g: Graph, layer: Layer, inputs: int, kernel: Ints) -> Tensor:
    """The stored kernels; those of a deconvolution have the input channels first."""
    p = layer.params
    if p.isDeconvolution:
        return g.const(layer.weights(p.weights, (inputs, p.outputChannels // (p.nGroups or 1), *kernel), axis=1))
    return g.const(layer.weights(p.weights, (p.outputChannels, inputs, *kernel)))


def _convolved(
    g: Graph,
    layer: Layer,
    x: Tensor,
    weight: Tensor,
    strides: Ints | None,
    dilations: Ints | None,
    pads: dict[str, Any],
) -> Tensor:
    p = layer.params
    bias = g.const(layer.weights(p.bias, (p.outputChannels,))) if p.hasBias else None
    groups = p.nGroups or 1
    if not p.isDeconvolution:
        return conv.conv(
            g, layer.op, x=x, weight=weight, bias=bias, strides=strides, dilations=dilations, groups=groups, **pads
        )  # fmt: skip
    # According to NeuralNetwork.proto, outputShape overrides padding; coremltools sets both and relies on both.
    shape = (0, 0, *p.outputShape) if p.outputShape else None
    return conv.conv_transpose(
        g, layer.op, x=x, weight=weight, bias=bias, strides=strides, dilations=dilations, groups=groups,
        output_shape=shape, **pads,
    )  # fmt: skip


AXES = ("Depth", "Height", "Width")
SIDES = ("Front", "Back", "Top", "Bottom", "Left", "Right")
CUSTOM, VALID, SAME = range(3)


@lowers("convolution3d")
def convolution_3d(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """Convolution or its transpose over depth, height and width."""
    p = layer.params
    inputs = p.inputChannels if p.isDeconvolution else p.inputChannels // (p.nGroups or 1)
    stored = _weights(g, layer, inputs, sizes(p, "kernel"))
    return _convolved(g, layer, x, stored, sizes(p, "stride"), sizes(p, "dilation"), padding_3d(p))


def sizes(p: Any, name: str) -> Ints:
    """One of the messages' triples, such as strideDepth, strideHeight and strideWidth; 0 stands for 1."""
    return tuple(getattr(p, name + axis) or 1 for axis in AXES)


def padding_3d(p: Any) -> dict[str, Any]:
    """As :func:`padding`, from the messages with three axes."""
    if p.paddingType == CUSTOM:
        return {"pad_type": "custom", "pad": tuple(getattr(p, "customPadding" + side) for side in SIDES)}
    return {"pad_type": "same" if p.paddingType == SAME else "valid"}
