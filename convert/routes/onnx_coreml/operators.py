"""Imports every family of operators, which registers their translations."""

from . import (
    activation,
    comparison,
    control_flow,
    conv,
    elementwise,
    linear,
    normalization,
    pool,
    random_numbers,
    recurrent,
    reduction,
    resize,
    scatter_gather,
    sequences,
    shapes,
    slicing,
)

__all__ = [
    "activation",
    "comparison",
    "control_flow",
    "conv",
    "elementwise",
    "linear",
    "normalization",
    "pool",
    "random_numbers",
    "recurrent",
    "reduction",
    "resize",
    "scatter_gather",
    "sequences",
    "shapes",
    "slicing",
]
