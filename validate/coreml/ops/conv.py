"""Convolutions over one to three spatial axes; channels are axis 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..bind import Array, Floats, Ints, Op, lowers
from ..errors import unsupported
from ..graph import Graph, Tensor

AUTO_PAD = {"same": "SAME_UPPER", "same_lower": "SAME_LOWER"}


@lowers("conv")
def conv(
    g: Graph,
    op: Op,
    *,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    strides: Ints | None = None,
    pad_type: str = "valid",
    pad: Ints | None = None,
    dilations: Ints | None = None,
    groups: int = 1,
) -> Tensor:
    """Conv. "same" pads as in TensorFlow: the output has ceil(input / stride) elements per axis."""
    strides, dilations = strides or (1,) * (x.rank - 2), dilations or (1,) * (x.rank - 2)
    if pad_type in ("valid", "custom"):
        x, pad_type, pad = _absorbing(g, x, pad_type, pad)
    reach = _reach(op, weight, dilations) if pad_type in AUTO_PAD else ()
    padding = window_padding(op, x, pad_type, pad or (0, 0) * (x.rank - 2), reach, strides)
    if "auto_pad" in padding and any(d > 1 for d in dilations):
        raise unsupported(str(op), "'same' padding with strides and dilations needs an input of fixed size")
    return g.op("Conv", x, weight, bias, strides=strides, dilations=dilations, group=groups, **padding)


def _absorbing(g: Graph, x: Tensor, pad_type: str, pad: Ints | None) -> tuple[Tensor, str, Ints | None]:
    """Uses zero padding of ``x`` as padding of the convolution, which avoids a padded copy of ``x``."""
    inner, amounts = g.unpadded(x)
    missing = 2 * x.rank - len(amounts)
    pads = (0,) * missing + tuple(amounts)
    if not any(pads) or min(pads) < 0 or any(pads[:4]):
        return x, pad_type, pad
    own = pad if pad_type == "custom" and pad else (0,) * len(pads[4:])
    return inner, "custom", tuple(a + b for a, b in zip(pads[4:], own, strict=True))


def window_padding(op: Op, x: Tensor, pad_type: str, pad: Ints, reach: Ints, strides: Ints) -> dict[str, Any]:
    """ONNX's padding attributes for windows of ``reach`` elements per axis, dilation included.

    "same" is computed here if possible: ONNX Runtime's own rule ignores dilation, and fails if a stride is longer than
    the window.
    """
    if pad_type not in AUTO_PAD:
        return conv_padding(op, pad_type, pad)
    totals = [_same(length, k, s) for length, k, s in zip((x.shape or ())[2:], reach, strides, strict=True)]
    if None in totals:
        return conv_padding(op, pad_type, pad)
    smaller, greater = [(t or 0) // 2 for t in totals], [-((t or 0) // -2) for t in totals]
    return {"pads": smaller + greater if pad_type == "same" else greater + smaller}


def conv_padding(op: Op, pad_type: str, pad: Ints) -> dict[str, Any]:
    """ONNX's padding attributes. MIL interleaves begins and ends, ONNX lists all begins first."""
    if pad_type == "valid":
        return {}
    if pad_type == "custom":
        return {"pads": pad[::2] + pad[1::2]}
    if pad_type in AUTO_PAD:
        return {"auto_pad": AUTO_PAD[pad_type]}
    raise unsupported(str(op), f"pad_type '{pad_type}' is not one of custom, valid, {', '.join(AUTO_PAD)}")


def _same(length: int | None, reach: int, stride: int) -> int | None:
    """The padding for ceil(length / stride) windows; None if it depends on the length and the length is unknown."""
    if stride == 1:
        return reach - 1
    return None if length is None else max(0, (-(-length // stride) - 1) * stride + reach - length)


@lowers("conv_quantized")
def conv_quantized(
    g: Graph,
    op: Op,
    *,
    x: Tensor,
    weight: Array,
    quantization_type: str,
    quant_scale: Floats,
    quant_bias: Floats,
    nbits: int = 8,
    bias: Tensor | None = None,
    strides: Ints | None = None,
    pad_type: str = "valid",
    pad: Ints | None = None,
    dilations: Ints | None = None,
    groups: int = 1,
) -> Tensor:
    """Conv with weight * quant_scale + quant_bias, each a scalar or one number per output channel."""
    if quantization_type != "linear" or nbits != 8:
        raise unsupported(str(op), f"{nbits}-bit '{quantization_type}' quantisation is undocumented")
    column = (-1, *(1,) * (weight.ndim - 1))
    scale, offset = (np.asarray(v, np.float32) for v in (quant_scale, quant_bias))
    dense = g.const(weight * scale.reshape(column) + offset.reshape(column), x.dtype)
    return conv(
        g, op, x=x, weight=dense, bias=bias and g.cast(bias, x.dtype), strides=strides, pad_type=pad_type, pad=pad,
        dilations=dilations, groups=groups,
    )  # fmt: skip


@lowers("conv_transpose")
def conv_transpose(
    g: Graph,
    op: Op,
    *,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    pad: Ints | None = None,
    output_shape: Ints | None = None,
    pad_type: str = "valid",
    strides: Ints | None = None,
    dilations: Ints | None = None,
    groups: int = 1,
) -> Tensor:
    """ConvTranspose. "same" returns input * stride elements per axis; odd padding goes to the end."""
    spatial = x.rank - 2
    strides, dilations = strides or (1,) * spatial, dilations or (1,) * spatial
    pads = _crop(op, pad_type, pad or (0, 0) * spatial, _reach(op, weight, dilations), strides)
    if output_shape is not None:
        pads = _crop_to(op, output_shape[2:], x, pads, _reach(op, weight, dilations), strides)
    # A negative crop is padding.
    begins, ends = [max(b, 0) for b, _ in pads], [max(e, 0) for _, e in pads]
    extra = [max(-e, 0) for _, e in pads]
    return g.op(
        "ConvTranspose", x, weight, bias, strides=strides, dilations=dilations, group=groups,
        pads=begins + ends, output_padding=extra if any(extra) else None,
    )  # fmt: skip


def _reach(op: Op, weight: Tensor, dilations: Ints) -> Ints:
    """The number of elements that a dilated kernel spans along each axis."""
    if weight.static_shape is None:
        raise unsupported(str(op), "the size of the kernel is not known before the model runs")
    return tuple((k - 1) * d + 1 for k, d in zip(weight.static_shape[2:], dilations, strict=True))


def _crop(op: Op, pad_type: str, pad: Ints, reach: Ints, strides: Ints) -> list[tuple[int, int]]:
    """(begin, end) to crop along each axis."""
    if pad_type == "custom":
        return list(zip(pad[::2], pad[1::2], strict=True))
    if pad_type == "valid":
        return [(0, 0)] * len(reach)
    if pad_type == "same":
        return [_split(k - s) for k, s in zip(reach, strides, strict=True)]
    raise unsupported(str(op), f"pad_type '{pad_type}' is not one of custom, same, valid")


def _crop_to(
    op: Op, want: Ints, x: Tensor, pads: list[tuple[int, int]], reach: Ints, strides: Ints
) -> list[tuple[int, int]]:
    """The crop that leaves ``want`` elements; it is adjusted at the end of each axis."""
    lengths = [n for n in (x.shape or ())[2:] if n is not None]
    if len(lengths) != len(want):
        raise unsupported(str(op), "output_shape needs an input of fixed size")
    full = [s * (n - 1) + k for n, s, k in zip(lengths, strides, reach, strict=True)]
    return [(b, f - w - b) for (b, _), f, w in zip(pads, full, want, strict=True)]


def _split(total: int) -> tuple[int, int]:
    return (total // 2, total - total // 2) if total > 0 else (0, total)
