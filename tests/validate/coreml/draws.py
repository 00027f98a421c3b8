"""Random operands, and an operator checked against expected values."""

from __future__ import annotations

from typing import Any

import numpy as np
from oracle import by_lowering

RANDOM = np.random.default_rng(0)


def draw(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape).astype(np.float32)


def check(op: str, arguments: dict[str, Any], opset: int, *wanted: Any, computed=("x",), atol: float = 1e-5) -> None:
    expected = [np.asarray(w) for w in wanted]
    for got, want in zip(by_lowering(op, arguments, opset, expected, computed), expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=atol)
