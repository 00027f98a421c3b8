"""Links as ONNX operators, and the outputs of a classifier for its scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .......validate.trees.readers.links import Link
from ...declare import labels
from ...tensors import Tensor


def apply_link(link: Link, score: Tensor) -> Tensor:
    """What the model predicts for the sums of its trees, (n, targets)."""
    return LINKS[link](score)


def classify(
    score: Tensor, link: Link, classes: Any, *, slope: float = 1.0, zero_is_second: bool = False
) -> list[Tensor]:
    """A classifier's label and probabilities for its scores: (n, classes) for SOFTMAX, (n, 1) of two classes.

    ``zero_is_second`` says whether a single score of 0 means the second class.
    """
    if link is Link.SOFTMAX:
        return [labels(score.argmax(), classes), score.softmax()]
    positive = apply_link(link, score * slope if slope != 1.0 else score)
    is_second = score >= 0.0 if zero_is_second else score > 0.0
    return [labels(is_second.cast(np.int64).reshape(-1), classes), both_classes(positive)]


def both_classes(positive: Tensor) -> Tensor:
    """The probabilities of two classes, (n, 2), for that of the second, (n, 1)."""
    return positive.graph.concat([1.0 - positive, positive])


def _mean_and_variance(score: Tensor) -> Tensor:
    return score.graph.concat([score.columns([0]), (score.columns([1]) * 2.0).exp()])


LINKS: dict[Link, Callable[[Tensor], Tensor]] = {
    Link.IDENTITY: lambda score: score,
    Link.EXPONENTIAL: Tensor.exp,
    Link.SIGMOID: Tensor.sigmoid,
    Link.SOFTMAX: Tensor.softmax,
    Link.SOFTPLUS: lambda score: (score.exp() + 1.0).log(),
    Link.SIGNED_SQUARE: lambda score: score.sign() * score * score,
    Link.STEP: lambda score: (score > 0.0).cast(np.float64),
    Link.ARGMAX: lambda score: score.argmax().cast(np.float64).reshape(-1, 1),
    Link.MEAN_AND_VARIANCE: _mean_and_variance,
}
"""Link -> its translation; every link has one."""
