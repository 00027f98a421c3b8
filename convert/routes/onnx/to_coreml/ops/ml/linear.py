"""ONNX' linear models and support vector regression."""

from __future__ import annotations

import numpy as np

from ...mil import Var, mb
from ...node import Node
from ...registry import translates
from ...values import Array, Floats, Ints
from .scores import ML, above, both, classes_of, greatest, label_of, rows, transformed

Strings = tuple[str, ...]


@translates("LinearRegressor", domain=ML)
def linear_regressor(
    node: Node, x: Var, *, coefficients: Floats = (), intercepts: Floats = (), post_transform: str, targets: int
) -> Var:
    """X W + b, one column for each target."""
    return transformed(node, post_transform, _affine(rows(x), coefficients, intercepts, targets))


@translates("LinearClassifier", domain=ML)
def linear_classifier(
    node: Node, x: Var, *, coefficients: Floats, intercepts: Floats = (), post_transform: str, multi_class: int = 0,
    classlabels_strings: Strings = (), classlabels_ints: Ints = (),
) -> tuple[Var | None, Var]:  # fmt: skip
    """The class of the greatest score; a single score is that of the second of two classes."""
    classes = classes_of(node, classlabels_strings, classlabels_ints)
    vectors = rows(x)
    count = len(coefficients) // int(vectors.shape[1])
    scores = _affine(vectors, coefficients, intercepts, count)
    if count > 1:
        return label_of(node, classes, greatest(scores)), transformed(node, post_transform, scores)
    return label_of(node, classes, above(scores, 0.0)), _of_two(node, post_transform, scores)


def _of_two(node: Node, kind: str, score: Var) -> Var:
    """A single score as two scores: ONNX Runtime treats it as a probability unless it is transformed to one."""
    if kind == "LOGISTIC":
        return both(mb.sigmoid(x=mb.mul(x=score, y=-1.0)), mb.sigmoid(x=score))
    if kind == "PROBIT":
        raise node.unsupported("its post_transform 'PROBIT' is undefined for a single score")
    return both(mb.sub(x=1.0, y=score), score)


def _affine(x: Var, coefficients: Floats, intercepts: Floats, count: int) -> Var:
    weights = np.array(coefficients, np.float32).reshape(count, -1)
    offsets = np.array(intercepts or [0.0] * count, np.float32)
    return mb.linear(x=x, weight=weights, bias=offsets)


@translates("SVMRegressor", domain=ML)
def svm_regressor(
    node: Node, x: Var, *, coefficients: Floats, kernel_params: Floats = (), kernel_type: str, n_supports: int,
    one_class: int, post_transform: str, rho: Floats, support_vectors: Floats = (),
) -> Var:  # fmt: skip
    """The sum of kernels with the support vectors, or a linear one; ``one_class`` gives its sign."""
    vectors = rows(x)
    weights = np.array(coefficients, np.float32).reshape(1, -1)
    if n_supports:
        vectors = _kernel(node, kernel_type, vectors, np.array(support_vectors, np.float32), n_supports, kernel_params)
    scores = mb.linear(x=vectors, weight=weights, bias=np.array(rho[:1], np.float32))
    if one_class:
        positive = mb.cast(x=mb.greater(x=scores, y=0.0), dtype="fp32")
        return mb.sub(x=mb.mul(x=positive, y=2.0), y=1.0)
    return transformed(node, post_transform, scores)


def _kernel(node: Node, kind: str, x: Var, supports: Array, count: int, parameters: Floats) -> Var:
    """Kernels of rows and support vectors."""
    supports = supports.reshape(count, -1)
    gamma, offset, degree = (*parameters, 0.0, 0.0, 0.0)[:3]
    products = mb.matmul(x=x, y=supports, transpose_y=True)
    if kind == "LINEAR":
        return products
    if kind == "RBF":
        lengths = mb.reduce_sum(x=mb.mul(x=x, y=x), axes=[1], keep_dims=True)
        distances = mb.sub(x=mb.add(x=lengths, y=(supports**2).sum(1)), y=mb.mul(x=products, y=2.0))
        return mb.exp(x=mb.mul(x=distances, y=np.float32(-gamma)))
    scaled = mb.add(x=mb.mul(x=products, y=np.float32(gamma)), y=np.float32(offset))
    if kind == "POLY":
        return mb.pow(x=scaled, y=np.float32(degree))
    if kind == "SIGMOID":
        return mb.tanh(x=scaled)
    raise node.unsupported(f"its kernel_type '{kind}' is not one of LINEAR, POLY, RBF, SIGMOID")
