"""What a PyTorch architecture is converted with."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

Example = dict[str, Any]
Case = tuple[nn.Module, Example, tuple[tuple[str, int], ...]]
"""A module, example inputs, and the axes to make dynamic in addition to the batch."""


def tokens(length: int = 9, highest: int = 40, rows: int = 2) -> torch.Tensor:
    """Random ids below ``highest``, int64[rows, length]."""
    return torch.randint(0, highest, (rows, length))
