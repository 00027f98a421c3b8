"""Transposed convolutions: tf2onnx's translation, its negative paddings corrected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def _translate(graph: Any, node: Any, _name: str, _arguments: list[Any]) -> None:
    """Let tf2onnx translate, then turn a negative total padding into ``output_padding``.

    TensorFlow appends the part of the output that the kernel doesn't reach; tf2onnx writes it as a negative padding,
    which ONNX forbids.
    """
    from tf2onnx.onnx_opset.nn import ConvTranspose

    ConvTranspose.version_11(graph, node)
    pads = list(node.get_attr_value("pads") or [])
    if min(pads, default=0) >= 0:
        return
    half = len(pads) // 2
    totals = [begin + end for begin, end in zip(pads[:half], pads[half:], strict=True)]
    node.set_attr("output_padding", [max(0, -total) for total in totals])
    node.set_attr("pads", [0 if totals[i % half] < 0 else pad for i, pad in enumerate(pads)])


TRANSPOSED: dict[str, tuple[Callable[..., None], list[Any]]] = {
    "Conv2DBackpropInput": (_translate, []),
    "Conv3DBackpropInputV2": (_translate, []),
}
