"""ONNX models, through ONNX Runtime's quantisers: layers with constant weights, and what each method makes of them."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto

from ...validate.engines.telemetry import silent_onnxruntime
from ...validate.errors import ParityGateError
from ...validate.onnx_graphs import inline_functions
from ..options import Quantize
from ..routes.onnx.constants import lift_constants
from ..routes.onnx.opset import opset_of
from ..routes.onnx.save import save_onnx
from .calls import Layer, Quantiser
from .gemm import gemms_as_products
from .weights import dequantized

if TYPE_CHECKING:
    from ...validate.signature import Feed

_WEIGHTS: Mapping[Quantize, Mapping[str, int]] = {
    Quantize.DYNAMIC: {"MatMul": 1, "Conv": 1, "Gather": 0, "LSTM": 1},
    Quantize.STATIC: {"MatMul": 1, "Gemm": 1, "Conv": 1, "ConvTranspose": 1},
    Quantize.WEIGHTS: {"MatMul": 1, "Gemm": 1, "Conv": 1, "ConvTranspose": 1, "Gather": 0},
    Quantize.WEIGHTS_INT4: {"MatMul": 1},
}
"""Method -> the operators that it quantises, and which of their operands are the weights."""

_OLDEST, _BY_CHANNEL = 10, 13
"""The opsets from which there is QuantizeLinear, and from which it takes a scale for each channel."""

_BLOCK = 32
"""Weights that share a scale in int4."""


def prepare(quantiser: Quantiser) -> tuple[Layer, ...]:
    """Give every operator a name, and write Gemm as a product where a method knows only these."""
    model = inline_functions(onnx.load(str(quantiser.model.source)))
    _check_opset(opset_of(model), quantiser)
    lift_constants(model.graph)
    if "Gemm" not in _WEIGHTS[quantiser.method]:
        gemms_as_products(model.graph)
    _name_nodes(model.graph)
    save_onnx(model, quantiser.prepared)
    return tuple(_layers(model.graph, _WEIGHTS[quantiser.method]))


def write(quantiser: Quantiser, destination: Path, chosen: Collection[str], feeds: Sequence[Feed]) -> None:
    """Quantise the chosen layers and no others. Raises what the quantisers raise."""
    silent_onnxruntime()
    _METHODS[quantiser.method](quantiser.prepared, destination, list(chosen), feeds)
    model = onnx.load(str(destination))
    model.ir_version = min(model.ir_version, onnx.load(str(quantiser.prepared), load_external_data=False).ir_version)
    save_onnx(model, destination)


def _check_opset(opset: int, quantiser: Quantiser) -> None:
    """Raises PG415 where the opset lacks the operators."""
    if opset < _OLDEST:
        cause = f"the model has opset {opset}, and quantised operators exist from opset {_OLDEST} on"
        raise ParityGateError("PG415", quantiser.model.short_name, cause, f"--opset {_BY_CHANNEL} or newer")


def _name_nodes(graph: onnx.GraphProto) -> None:
    seen: set[str] = set()
    for number, node in enumerate(graph.node):
        if not node.name or node.name in seen:
            node.name = f"{node.op_type}_{number}"
        seen.add(node.name)


def _layers(graph: onnx.GraphProto, kinds: Mapping[str, int]) -> Iterator[Layer]:
    weights = {tensor.name: tensor for tensor in graph.initializer if tensor.data_type == TensorProto.FLOAT}
    for node in graph.node:
        place = kinds.get(node.op_type, -1)
        name = node.input[place] if 0 <= place < len(node.input) else ""
        if name in weights and len(weights[name].dims) > 1:
            yield Layer(node.name, node.op_type, int(np.prod(weights[name].dims)))


def _dynamic(source: Path, destination: Path, chosen: list[str], feeds: Sequence[Feed]) -> None:
    """Weights in int8, activations as they come: MatMulInteger, ConvInteger (whose kernel takes unsigned weights)."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with _quiet():
        quantize_dynamic(
            source,
            destination,
            weight_type=QuantType.QUInt8,
            nodes_to_quantize=chosen,
            extra_options={"MatMulConstBOnly": True},
        )


def _static(source: Path, destination: Path, chosen: list[str], feeds: Sequence[Feed]) -> None:
    """Weights and activations in int8, by QuantizeLinear and DequantizeLinear; the samples give the ranges."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Reader(CalibrationDataReader):  # type: ignore[misc]  # ONNX Runtime has no types
        def __init__(self) -> None:
            self._feeds = iter(feeds)

        def get_next(self) -> Any:
            return next(self._feeds, None)

    with _quiet():
        quantize_static(
            source,
            destination,
            Reader(),
            quant_format=QuantFormat.QDQ,
            per_channel=opset_of(onnx.load(str(source), load_external_data=False)) >= _BY_CHANNEL,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_quantize=chosen,
        )


def _weights(source: Path, destination: Path, chosen: list[str], feeds: Sequence[Feed]) -> None:
    """Weights in int8, arithmetic in float32."""
    save_onnx(dequantized(onnx.load(str(source)), chosen, _WEIGHTS[Quantize.WEIGHTS]), destination)


def _int4(source: Path, destination: Path, chosen: list[str], feeds: Sequence[Feed]) -> None:
    """Weights of products in int4, by blocks: the operator MatMulNBits of ONNX Runtime."""
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    model = onnx.load(str(source))
    others = [node.name for node in model.graph.node if node.name not in chosen]
    with _quiet():
        quantizer = MatMulNBitsQuantizer(model, bits=4, block_size=_BLOCK, is_symmetric=True, nodes_to_exclude=others)
        quantizer.process()
    save_onnx(quantizer.model.model, destination)


_METHODS = {
    Quantize.DYNAMIC: _dynamic,
    Quantize.STATIC: _static,
    Quantize.WEIGHTS: _weights,
    Quantize.WEIGHTS_INT4: _int4,
}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The quantisers print and log advice that isn't the user's."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(before)
