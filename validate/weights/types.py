"""What a comparison of weights found, as frozen values. Light: reports and workers' parents import this."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WeightDifference:
    """A parameter of the reference whose counterpart in the candidate holds other values at some places.

    ``index`` is the first such place in the parameter, of shape ``shape``; ``places`` counts them. Where all values
    differ, both are of the rows in the candidate's order. ``constant`` is the counterpart's name in the candidate.
    """

    parameter: str
    constant: str
    shape: tuple[int, ...]
    index: tuple[int, ...]
    expected: float
    actual: float
    places: int


@dataclass(frozen=True, slots=True)
class WeightsProof:
    """How many of the reference's parameter values (floating point, buffers included) were found in the candidate.

    ``identical`` values stand in the candidate bit for bit, also transposed, sliced, joined or reordered by blocks;
    ``cast`` ones after one rounding to the candidate's type; ``folded`` ones are part of a constant that was recomputed
    in float64 (batch normalisation in a convolution or linear layer, sums of two biases). ``missing`` names parameters
    that were found nowhere, ``unexplained`` constants of the candidate that come from no parameter.
    """

    values: int
    identical: int = 0
    cast: int = 0
    folded: int = 0
    missing: tuple[str, ...] = ()
    unexplained: tuple[str, ...] = ()
    differences: tuple[WeightDifference, ...] = ()

    @property
    def accounted(self) -> int:
        """Values that were found."""
        return self.identical + self.cast + self.folded
