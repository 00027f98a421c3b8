"""Einsum against numpy."""

from __future__ import annotations

import numpy as np
import pytest
from draws import check, draw


@pytest.mark.parametrize(
    ("equation", "x", "y"),
    [
        ("nchw,nwhu->nchu", (2, 3, 4, 5), (2, 5, 4, 6)),
        ("abcd,adce->abce", (1, 3, 4, 5), (7, 5, 1, 6)),
        ("chw , whr -> chr", (3, 1, 5), (5, 4, 6)),
    ],
)
def test_einsum_broadcasts_axes_of_length_1(equation: str, x: tuple[int, ...], y: tuple[int, ...]):
    values = draw(*x), draw(*y)
    check("einsum", {"values": values, "equation": equation}, 15, np.einsum(equation, *values), computed=("values",))
