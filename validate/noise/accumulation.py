"""Rounding errors of sums: how many terms an operator adds for one element, and how many units that amounts to."""

from __future__ import annotations

import math

import onnx
from onnx import helper

from .tensors import Tensors

_USUAL_TERMS = 64
"""Where the lengths aren't known before the model runs."""

_BLOCK = 128
"""Terms that a library adds one after the other; longer sums are split into such blocks, whose sums are added."""


def accumulated_terms(node: onnx.NodeProto, tensors: Tensors) -> int:
    """The number of terms in one element of the node's result, from the shapes of its operands."""
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    weight = node.input[1] if len(node.input) > 1 else ""
    match node.op_type:
        case "Conv" | "ConvTranspose":
            return tensors.size(weight, 1) or _USUAL_TERMS
        case "MatMul":
            return tensors.length(node.input[0]) or tensors.length(weight, -2) or _USUAL_TERMS
        case "Gemm":
            return tensors.length(weight, 1 if attributes.get("transB") else 0) or _USUAL_TERMS
        case "AveragePool" | "LpPool":
            return math.prod(attributes.get("kernel_shape", [_USUAL_TERMS]))
        case "BatchNormalization" | "Scaler":
            return 1
        case "TreeEnsemble":
            return len(attributes["tree_roots"])
        case "TreeEnsembleClassifier" | "TreeEnsembleRegressor":
            return len(set(attributes["nodes_treeids"]))
        case "LSTM" | "GRU" | "RNN":
            return (tensors.length(weight) or _USUAL_TERMS) + int(attributes.get("hidden_size", _USUAL_TERMS))
        case _:
            return tensors.length(node.input[0]) or _USUAL_TERMS


def result_units(terms: int) -> float:
    """Units of error on a sum whose terms have one sign: a partial sum of k terms rounds by k times a term's.

    Standard deviations: the errors of the partial sums, ``k*u*mean`` for k up to n, add up to ``u*mean*n**1.5/3``.
    """
    return max(1.0, math.sqrt(min(terms, _BLOCK) / 3))


def operand_units(terms: int) -> float:
    """Units of error on each term that stand for the rounding of a sum of terms of both signs.

    The partial sums grow like ``sqrt(k)``, their errors add up to ``u*n/sqrt(2)`` of a term's size, and n independent
    errors of ``a`` units to ``a*u*sqrt(n)`` (Higham and Mary, A New Approach to Probabilistic Rounding Error Analysis,
    2019).
    """
    return max(1.0, math.sqrt(min(terms, _BLOCK) / 2))
