"""How many terms an operator adds up for one element of its result."""

from __future__ import annotations

import math

import onnx
from onnx import helper

from .types import Tensors

_USUAL = 64
"""Where the lengths aren't known before the model runs."""


def terms_of(node: onnx.NodeProto, tensors: Tensors) -> int:
    """The number of terms of a sum, by the shapes of the node's operands."""
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    weight = node.input[1] if len(node.input) > 1 else ""
    match node.op_type:
        case "Conv" | "ConvTranspose":
            return tensors.size(weight, 1) or _USUAL
        case "MatMul":
            return tensors.last(node.input[0]) or tensors.last(weight, -2) or _USUAL
        case "Gemm":
            return tensors.last(weight, 1 if attributes.get("transB") else 0) or _USUAL
        case "AveragePool" | "LpPool":
            return math.prod(attributes.get("kernel_shape", [_USUAL]))
        case "BatchNormalization" | "Scaler":
            return 1
        case "TreeEnsemble":
            return len(attributes["tree_roots"])
        case "TreeEnsembleClassifier" | "TreeEnsembleRegressor":
            return len(set(attributes["nodes_treeids"]))
        case "LSTM" | "GRU" | "RNN":
            return (tensors.last(weight) or _USUAL) + int(attributes.get("hidden_size", _USUAL))
        case _:
            return tensors.last(node.input[0]) or _USUAL
