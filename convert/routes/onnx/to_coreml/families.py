"""Imports all operator modules, which registers their translations."""

from .ops import (
    activation,
    comparison,
    control_flow,
    conv,
    detection,
    einsum,
    elementwise,
    filling,
    joining,
    linear,
    normalization,
    pool,
    random_numbers,
    reduction,
    scatter_gather,
    sequences,
    shapes,
    slicing,
    spectral,
)
from .ops.images import grids, regions, resize
from .ops.ml import linear as ml_linear
from .ops.ml import tables as ml_tables
from .ops.ml import trees as ml_trees
from .ops.quantized import products as quantized_products
from .ops.quantized import quantization
from .ops.recurrent import operators as recurrent

__all__ = [
    "activation",
    "comparison",
    "control_flow",
    "conv",
    "detection",
    "einsum",
    "elementwise",
    "filling",
    "grids",
    "joining",
    "linear",
    "ml_linear",
    "ml_tables",
    "ml_trees",
    "normalization",
    "pool",
    "quantization",
    "quantized_products",
    "random_numbers",
    "recurrent",
    "reduction",
    "regions",
    "resize",
    "scatter_gather",
    "sequences",
    "shapes",
    "slicing",
    "spectral",
]
