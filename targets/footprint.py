"""Weights, live memory and multiplications of a model, from the lengths of its tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from .model import Node, Tensor
from .values import Footprint

BYTES = {
    "float": 4, "double": 8, "float16": 2, "bfloat16": 2, "int64": 8, "int32": 4, "int16": 2, "int8": 1, "uint64": 8,
    "uint32": 4, "uint16": 2, "uint8": 1, "bool": 1, "complex64": 8, "complex128": 16, "string": 16,
}  # fmt: skip
"""Bytes of one element; what is missing here counts as 1."""

VIEWS = frozenset({"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "RESHAPE", "SQUEEZE", "EXPAND_DIMS"})
"""Operators whose output shares the memory of their input in every runtime that is known here."""


def measure(
    file: int,
    weights: Mapping[str, int],
    nodes: Sequence[Node],
    tensors: Mapping[str, Tensor],
    inputs: Mapping[str, Tensor],
    outputs: Mapping[str, Tensor],
) -> Footprint:
    """The footprint of a model with these nodes in their order of execution."""
    outer = [node for node in nodes if node.depth == 0]
    operators = sum(node.operator not in ("Constant", "const") for node in nodes)
    return Footprint(file, weights, live_peak(outer, tensors, inputs, outputs), products(outer, tensors), operators)


def size(tensor: Tensor | None) -> int | None:
    """Bytes of a tensor; None where a length isn't known."""
    if tensor is None or tensor.shape is None or None in tensor.shape:
        return None
    return prod(length for length in tensor.shape if length is not None) * BYTES.get(tensor.dtype, 1)


def live_peak(
    nodes: Sequence[Node], tensors: Mapping[str, Tensor], inputs: Mapping[str, Tensor], outputs: Mapping[str, Tensor]
) -> int | None:
    """The most bytes that are alive at once: inputs, outputs, and what a later node still reads.

    None where a length isn't known. A runtime that computes in place or divides operators needs less; one that pads
    or copies needs more.
    """
    owner = _owners(nodes)
    last = {owner.get(name, name): at for at, node in enumerate(nodes) for name in node.inputs if name}
    last |= dict.fromkeys((owner.get(name, name) for name in outputs), len(nodes))
    alive: dict[str, int] = {}
    for name in inputs:
        if (needed := size(tensors.get(name))) is None:
            return None
        alive[name] = needed
    peak = sum(alive.values())
    for at, node in enumerate(nodes):
        if node.operator in ("Constant", "const"):
            continue
        for name in node.outputs:
            if owner.get(name, name) == name and name in last:
                if (needed := size(tensors.get(name))) is None:
                    return None
                alive[name] = needed
        peak = max(peak, sum(alive.values()))
        alive = {name: needed for name, needed in alive.items() if last.get(name, -1) > at}
    return peak


def _owners(nodes: Sequence[Node]) -> dict[str, str]:
    """Tensor -> the tensor whose memory it shares."""
    owner: dict[str, str] = {}
    for node in nodes:
        if node.operator in VIEWS and node.inputs and node.outputs:
            owner[node.outputs[0]] = owner.get(node.inputs[0], node.inputs[0])
    return owner


def products(nodes: Sequence[Node], tensors: Mapping[str, Tensor]) -> int | None:
    """Multiplications and additions of all convolutions, matrix products and recurrent layers; None where unknown."""
    total = 0
    for node in nodes:
        if node.operator in _PRODUCTS:
            found = _PRODUCTS[node.operator](node, tensors)
            if found is None:
                return None
            total += found
    return total


def _elements(tensors: Mapping[str, Tensor], name: str) -> int | None:
    tensor = tensors.get(name)
    if tensor is None or tensor.shape is None or None in tensor.shape:
        return None
    return prod(length for length in tensor.shape if length is not None)


def _length(tensors: Mapping[str, Tensor], name: str, axis: int) -> int | None:
    tensor = tensors.get(name)
    return tensor.shape[axis] if tensor is not None and tensor.shape and len(tensor.shape) >= abs(axis) else None


def _times(*factors: int | None) -> int | None:
    known = [factor for factor in factors if factor is not None]
    return prod(known) if len(known) == len(factors) else None


def _convolution(node: Node, tensors: Mapping[str, Tensor], weight: int = 1) -> int | None:
    """Output elements times the weights that each one reads."""
    kernel = _elements(tensors, node.inputs[weight])
    channels = _length(tensors, node.inputs[weight], 0)
    if not kernel or not channels:
        return None
    return _times(_elements(tensors, node.outputs[0]), kernel // channels)


def _transposed(node: Node, tensors: Mapping[str, Tensor]) -> int | None:
    """Input elements times the weights that each one is spread by."""
    kernel, channels = _elements(tensors, node.inputs[1]), _length(tensors, node.inputs[1], 0)
    return _times(_elements(tensors, node.inputs[0]), kernel // channels) if kernel and channels else None


def _product(node: Node, tensors: Mapping[str, Tensor]) -> int | None:
    axis = 0 if node.operator == "Gemm" and node.attributes.get("transA") else -1
    return _times(_elements(tensors, node.outputs[0]), _length(tensors, node.inputs[0], axis))


def _recurrent(node: Node, tensors: Mapping[str, Tensor]) -> int | None:
    steps, rows = (_length(tensors, node.inputs[0], axis) for axis in (0, 1))
    given, kept = (_elements(tensors, node.inputs[number]) for number in (1, 2))
    return None if given is None or kept is None else _times(steps, rows, given + kept)


def _dense(node: Node, tensors: Mapping[str, Tensor]) -> int | None:
    return _times(_elements(tensors, node.outputs[0]), _length(tensors, node.inputs[1], -1))


def _depthwise(node: Node, tensors: Mapping[str, Tensor]) -> int | None:
    rows, columns = (_length(tensors, node.inputs[1], axis) for axis in (1, 2))
    return _times(_elements(tensors, node.outputs[0]), rows, columns)


_PRODUCTS = {
    "Conv": _convolution,
    "ConvInteger": _convolution,
    "FusedConv": _convolution,
    "QLinearConv": lambda node, tensors: _convolution(node, tensors, 3),
    "ConvTranspose": _transposed,
    "Gemm": _product,
    "MatMul": _product,
    "MatMulInteger": _product,
    "QLinearMatMul": _product,
    "FusedMatMul": _product,
    "LSTM": _recurrent,
    "GRU": _recurrent,
    "RNN": _recurrent,
    "CONV_2D": _convolution,
    "FULLY_CONNECTED": _dense,
    "BATCH_MATMUL": _product,
    "DEPTHWISE_CONV_2D": _depthwise,
}
"""Operator -> its multiplications. TensorFlow Lite keeps the weights of a convolution as [out, height, width, in]."""
