"""Support vector machines as libsvm computes them, in double."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from ..errors import damaged, unsupported
from ..files.proto import Message
from ..graph import Graph, Slot, Tensor
from .base import MAX_ELEMENTS, ModelContext, regressed, vector_input
from .classifier import class_labels, classified
from .links import logistic
from .pairwise import coupled

if TYPE_CHECKING:
    from ...signature import Array

LEAST_PROBABILITY = 1e-7
"""libsvm clamps pairwise probabilities to this distance from 0 and 1."""


def support_vector_regressor(g: Graph, context: ModelContext, slots: Mapping[str, Slot]) -> dict[str, Slot]:
    """The sum of coefficient * kernel over the support vectors, minus rho."""
    body = context.body
    kernel = _kernel(g, body, vector_input(g, context, slots))
    score = g.op("MatMul", g.const(np.array([body.coefficients.alpha], np.float64)), kernel)
    return regressed(context, g.op("Sub", score, g.like(body.rho, score)))


def support_vector_classifier(g: Graph, context: ModelContext, slots: Mapping[str, Slot]) -> dict[str, Slot]:
    """One decision per pair of classes; decisions vote, or are coupled to probabilities if the model has any."""
    body, labels = context.body, class_labels(context.body)
    pairs = list(combinations(range(len(labels)), 2))
    if len(body.rho) != len(pairs) or len(body.probA) != len(body.probB) or len(body.probA) not in (0, len(pairs)):
        raise damaged(
            "the support vector classifier", f"the number of its parameters doesn't match {len(pairs)} pairs of classes"
        )
    kernel = _kernel(g, body, vector_input(g, context, slots))
    scores = g.op("MatMul", g.const(_pair_coefficients(body, pairs)), kernel)
    decisions = g.op("Sub", scores, g.const(list(body.rho), "float64"))
    if not body.probA:
        if context.description.predictedProbabilitiesName:
            raise unsupported("the support vector classifier", "it has no parameters for probabilities")
        return classified(g, context, labels, _votes(g, decisions, pairs, len(labels)))
    slopes, shifts = (g.const(list(v), "float64") for v in (body.probA, body.probB))
    first = logistic(g, g.op("Neg", g.op("Add", g.op("Mul", decisions, slopes), shifts)))
    return classified(g, context, labels, coupled(g, _bounded(g, first), pairs, len(labels)))


def _bounded(g: Graph, first: Tensor) -> Tensor:
    """libsvm's max, then min: the bound where a comparison is false, also for NaN, which a degenerate model gives."""
    low, high = g.like(LEAST_PROBABILITY, first), g.like(1 - LEAST_PROBABILITY, first)
    raised = g.op("Where", g.op("Greater", first, low), first, low)
    return g.op("Where", g.op("Less", raised, high), raised, high)


def _votes(g: Graph, decisions: Tensor, pairs: list[tuple[int, int]], classes: int) -> Tensor:
    """The number of pairs that each class wins; at 0 the second class of a pair wins."""
    winners = np.array(pairs, np.int64).reshape(-1, 2)
    positive = g.op("Greater", decisions, g.like(0, decisions))
    won = g.op("Where", positive, g.const(winners[:, 0]), g.const(winners[:, 1]))
    marks = g.op("Equal", g.op("Unsqueeze", won, g.const([1], "int64")), g.const(np.arange(classes)))
    return g.op("ReduceSum", g.cast(marks, "float64"), g.const([0], "int64"), keepdims=0)


def _pair_coefficients(body: Message, pairs: list[tuple[int, int]]) -> Array:
    """Coefficients (pair, support vector): libsvm stores, for each support vector, one against each other class."""
    counts = list(body.numberOfSupportVectorsPerClass)
    ends = np.cumsum([0, *counts])
    rows = [np.array(c.alpha, np.float64) for c in body.coefficients]
    if min(counts, default=0) < 0 or any(r.size != ends[-1] for r in rows) or len(rows) != len(counts) - 1:
        raise damaged("the support vector classifier", "its coefficients and support vectors differ in number")
    matrix = np.zeros((len(pairs), ends[-1]))
    for row, (i, j) in zip(matrix, pairs, strict=True):
        of_first, of_second = slice(ends[i], ends[i + 1]), slice(ends[j], ends[j + 1])
        row[of_first], row[of_second] = rows[j - 1][of_first], rows[i][of_second]
    return matrix


def _kernel(g: Graph, body: Message, x: Tensor) -> Tensor:
    """The kernel of each support vector with ``x``."""
    vectors = _support_vectors(body, x)
    kind = body.kernel.WhichOneof("kernel")
    p = getattr(body.kernel, kind) if kind else None
    if p is None or kind == "linearKernel":
        return g.op("MatMul", g.const(vectors), x)
    if kind == "rbfKernel":
        distances = g.op("ReduceSumSquare", g.op("Sub", g.const(vectors), x), g.const([1], "int64"), keepdims=0)
        return g.op("Exp", g.op("Mul", distances, g.like(-p.gamma, x)))
    # ONNX Runtime would fuse a factor after the product into it, and round it to single precision.
    shifted = g.op("Add", g.op("MatMul", g.const(p.gamma * vectors), x), g.like(p.c, x))
    return g.op("Pow", shifted, g.like(p.degree, x)) if kind == "polyKernel" else g.op("Tanh", shifted)


def _support_vectors(body: Message, x: Tensor) -> Array:
    """(support vectors, features). Sparse ones count features from 1."""
    if x.static_shape is None:
        raise unsupported("the support vector machine", "the number of its features is not known before the model runs")
    kind = body.WhichOneof("supportVectors")
    vectors = getattr(body, kind).vectors if kind else ()
    if len(vectors) * x.static_shape[0] > MAX_ELEMENTS:
        raise damaged(
            "the support vector machine",
            f"{len(vectors)} vectors of {x.static_shape[0]} features are implausibly large",
        )
    matrix = np.zeros((len(vectors), x.static_shape[0]))
    try:
        for row, vector in zip(matrix, vectors, strict=True):
            if kind == "denseSupportVectors":
                row[:] = list(vector.values)
            else:
                row[np.array([n.index for n in vector.nodes], np.uint32) - 1] = [n.value for n in vector.nodes]
    except (IndexError, ValueError) as e:
        raise damaged("the support vector machine", f"a support vector doesn't match the features: {e}") from e
    return matrix
