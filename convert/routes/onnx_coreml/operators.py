"""Imports every family of operators, which registers their translations."""

from . import elementwise, linear, recurrent, shapes

__all__ = [
    "elementwise",
    "linear",
    "recurrent",
    "shapes",
]
