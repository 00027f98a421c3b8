"""Links: the functions that turn the sum of an ensemble's trees into what the model predicts."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


class Link(Enum):
    """The function that follows the sum of the trees. Each target maps it to an operator of its own."""

    IDENTITY = auto()
    EXPONENTIAL = auto()
    SIGMOID = auto()
    SOFTMAX = auto()
    SOFTPLUS = auto()
    """log(1 + exp(score))."""
    SIGNED_SQUARE = auto()
    """score * |score|."""
    STEP = auto()
    """1 where the score is positive, else 0."""
    ARGMAX = auto()
    """The column of the greatest score."""
    MEAN_AND_VARIANCE = auto()
    """Of two scores: the mean, and the logarithm of the standard deviation."""


def to_score(link: Link, prediction: Floats) -> Floats:
    """The score that an EXPONENTIAL or SIGMOID link turns into ``prediction``; other links leave it as it is."""
    if link is Link.EXPONENTIAL:
        return np.log(prediction)
    return np.log(prediction / (1 - prediction)) if link is Link.SIGMOID else prediction
