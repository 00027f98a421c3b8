"""Pooling operators against PyTorch."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from draws import check, draw
from oracle import by_lowering
from torch.nn import functional as F

from paritygate.validate.errors import ParityGateError

POOLS = [
    (n, k, s, p, ceil)
    for n, k, s, p, ceil in product([5, 8], [2, 3], [1, 2, 3], [0, 1], [False, True])
    # coremltools declares a last window of ceil_mode that has no elements; see the test after this one.
    if not (ceil and p == 0 and (-(-(n - k) // s)) * s >= n)
]


@pytest.mark.parametrize(("length", "kernel", "stride", "pad", "ceil"), POOLS)
def test_pools(length: int, kernel: int, stride: int, pad: int, ceil: bool):
    x = draw(1, 2, length, length)
    image = torch.from_numpy(x)
    window = {
        "x": x, "kernel_sizes": [kernel] * 2, "strides": [stride] * 2, "pad_type": "custom", "pad": [pad] * 4,
        "ceil_mode": ceil,
    }  # fmt: skip
    for excluded in (False, True):
        wanted = F.avg_pool2d(image, kernel, stride, pad, ceil, not excluded)
        check("avg_pool", {**window, "exclude_padding_from_average": excluded}, 15, wanted)
    greatest = F.max_pool2d(image, kernel, stride, pad, ceil_mode=ceil)
    check("max_pool", window, 15, greatest)
    # The padded ends hold zeros, which add nothing to a sum of squares.
    wide = F.pad(image**2, [pad, pad + stride + kernel] * 2)
    squares = F.avg_pool2d(wide, kernel, stride)[:, :, : greatest.shape[2], : greatest.shape[3]]
    check("l2_pool", window, 15, torch.sqrt(squares * kernel**2))


def test_a_window_without_elements_is_rejected():
    arguments = {"x": draw(1, 1, 6), "kernel_sizes": [2], "strides": [3], "pad_type": "valid", "ceil_mode": True}
    with pytest.raises(ParityGateError, match=r"op 'max_pool' \(iOS15\), node 'tested': .* has no elements"):
        by_lowering("max_pool", arguments, 15, [np.zeros((1, 1, 3), np.float32)], ["x"])


def test_padding_as_long_as_the_window_is_rejected():
    window = {"x": draw(1, 2, 5), "kernel_sizes": [2], "pad_type": "custom", "pad": [2, 1]}
    with pytest.raises(ParityGateError, match="its padding is as long as a window"):
        by_lowering("avg_pool", window, 15, [draw(1, 2, 7)], ["x"])


@pytest.mark.parametrize(("rank", "pad_type", "stride"), list(product([1, 2, 3], ["same", "same_lower"], [1, 2, 4])))
def test_same_pools(rank: int, pad_type: str, stride: int):
    x = draw(1, 2, *[7] * rank)
    total = max(0, (-(-7 // stride) - 1) * stride + 2 - 7)
    halves = (total // 2, total - total // 2)
    begin, end = halves if pad_type == "same" else halves[::-1]
    padded = F.pad(torch.from_numpy(x), [begin, end] * rank, value=-torch.inf)
    wanted = getattr(F, f"max_pool{rank}d")(padded, 2, stride)
    window = {"x": x, "kernel_sizes": [2] * rank, "strides": [stride] * rank, "pad_type": pad_type}
    check("max_pool", window, 16, wanted)
