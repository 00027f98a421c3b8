"""Command-line values that speak of inputs."""

from __future__ import annotations

from ..signature import TensorSpec


def parse_range(text: str) -> tuple[str, tuple[float, float]]:
    """``NAME:LO:HI`` -> (name, (lo, hi)), both ends included. Raises ParityGateError PG201."""
    raise NotImplementedError


def parse_input(text: str) -> TensorSpec:
    """``NAME:DTYPE:D0,D1,...`` -> the input it declares. Raises ParityGateError PG201.

    A dimension is a length, a name (equal names have equal lengths) or ``?``; none at all declare a scalar.
    """
    raise NotImplementedError
