"""The rules, a family of operators in a module. Importing the package registers them all."""

from . import (
    axes,
    elementwise,
    filling,
    gathers,
    grids,
    normalization,
    operands,
    products,
    quantization,
    reductions,
    regions,
    resize,
    scatter,
    softmax,
    spectral,
    training,
)

__all__ = [
    "axes",
    "elementwise",
    "filling",
    "gathers",
    "grids",
    "normalization",
    "operands",
    "products",
    "quantization",
    "reductions",
    "regions",
    "resize",
    "scatter",
    "softmax",
    "spectral",
    "training",
]
