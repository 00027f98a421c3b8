"""Imports every family of operators, which registers their translations."""

from . import elementwise, linear, shapes

__all__ = [
    "elementwise",
    "linear",
    "shapes",
]
