"""Shared by ONNX' classic models: vectors as rows, transformed scores, and labels by scores."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .......validate.signature import ClassLabel
from ...common import floating, unsqueezed
from ...mil import Var, mb
from ...node import Node
from ...values import Array

ML = "ai.onnx.ml"
"""The domain of classic models."""


def rows(x: Var) -> Var:
    """``x`` as rows of floats; a vector is one row."""
    return floating(unsqueezed(x, [0]) if x.rank == 1 else x)


def _softmax_zero(x: Var) -> Var:
    """Softmax of the non-zero scores, as in ONNX Runtime."""
    greatest = mb.reduce_max(x=x, axes=[-1], keep_dims=True)
    some = mb.cast(x=mb.greater(x=mb.abs(x=x), y=1e-7), dtype="fp32")
    weights = mb.mul(x=mb.exp(x=mb.sub(x=x, y=greatest)), y=some)
    return mb.real_div(x=weights, y=mb.reduce_sum(x=weights, axes=[-1], keep_dims=True))


def _probit(x: Var) -> Var:
    """The inverse of the normal distribution function, by Winitzki's approximation as in ONNX Runtime."""
    centred = mb.sub(x=mb.mul(x=x, y=2.0), y=1.0)
    log = mb.log(x=mb.mul(x=mb.sub(x=1.0, y=centred), y=mb.add(x=1.0, y=centred)), epsilon=0.0)
    half = mb.add(x=mb.mul(x=log, y=0.5), y=np.float32(2 / (np.pi * 0.147)))
    root = mb.sqrt(x=mb.sub(x=mb.mul(x=half, y=half), y=mb.mul(x=log, y=np.float32(1 / 0.147))))
    magnitude = mb.sqrt(x=mb.sub(x=root, y=half))
    return mb.mul(x=mb.mul(x=mb.sign(x=centred), y=magnitude), y=np.float32(np.sqrt(2)))


TRANSFORMS: dict[str, Callable[[Var], Var]] = {
    "NONE": lambda x: x,
    "SOFTMAX": lambda x: mb.softmax(x=x, axis=-1),
    "LOGISTIC": lambda x: mb.sigmoid(x=x),
    "SOFTMAX_ZERO": _softmax_zero,
    "PROBIT": _probit,
}
"""ONNX' post_transform."""


def transformed(node: Node, kind: str, x: Var) -> Var:
    """``x`` after a post_transform."""
    if kind not in TRANSFORMS:
        raise node.unsupported(f"its post_transform '{kind}' is not one of {', '.join(TRANSFORMS)}")
    return TRANSFORMS[kind](x)


def both(one: Var, other: Var) -> Var:
    """Two columns as the scores of two classes."""
    return mb.concat(values=[one, other], axis=1)


def classes_of(node: Node, strings: tuple[str, ...], numbers: tuple[int, ...]) -> tuple[ClassLabel, ...]:
    """The classes of a node. Raises PG404 if there are none."""
    classes = strings or numbers
    if not classes:
        raise node.unsupported("it has no class labels")
    return tuple(classes)


def label_of(node: Node, classes: tuple[ClassLabel, ...], index: Var) -> Var | None:
    """The class at ``index``; None if the output is unused. Raises PG404 for text outside of a classifier."""
    if not node.proto.output[0]:
        return None
    table: Array = np.array(classes)
    if table.dtype.kind != "i":
        raise node.unsupported(
            "its labels are text, and the graph doesn't show that they are the class of the greatest score"
        )
    return mb.gather(x=table.astype(np.int32), indices=index, axis=0)


def greatest(scores: Var) -> Var:
    """The index of the greatest score of each row."""
    return mb.reduce_argmax(x=scores, axis=1, keep_dims=False)


def above(score: Var, threshold: float) -> Var:
    """1 if a score is above a threshold, else 0."""
    return mb.squeeze(x=mb.cast(x=mb.greater(x=score, y=np.float32(threshold)), dtype="int32"), axes=[1])
