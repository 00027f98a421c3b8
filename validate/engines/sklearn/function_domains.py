"""Where the functions that a FunctionTransformer may apply are defined, and their inverses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

_TINY = float(np.finfo(np.float32).tiny)
_ABOVE_MINUS_ONE = float(np.nextafter(np.float32(-1), np.float32(0)))
_BELOW_ONE = float(np.nextafter(np.float32(1), np.float32(0)))
_OVERFLOW = float(np.log(np.finfo(np.float32).max))
"""Open ends, as numbers that float32 holds."""


@dataclass(frozen=True, slots=True)
class FunctionDomain:
    """An increasing function is finite for ``low .. high``, to which ``inverse`` takes values in ``least .. most``."""

    low: float
    high: float
    inverse: Callable[[Any], Any]
    least: float = -np.inf
    most: float = np.inf

    def inverted(self, values: Floats) -> Floats:
        """The arguments of some values, NaN for NaN."""
        with np.errstate(all="ignore"):
            arguments: Floats = self.inverse(np.clip(values, self.least, self.most))
            return np.clip(arguments, self.low, self.high)


def domain_of(transformer: Any) -> FunctionDomain | None:
    """The domain of a FunctionTransformer's function; None for any other estimator, and for functions without one."""
    if type(transformer).__name__ != "FunctionTransformer" or transformer.kw_args:
        return None
    try:
        return _domains().get(transformer.func)
    except TypeError:  # a callable that can't be looked up
        return None


@cache
def _domains() -> dict[Any, FunctionDomain]:
    from scipy import special

    log1p = FunctionDomain(_ABOVE_MINUS_ONE, np.inf, np.expm1)
    quarter = float(np.pi / 2)
    return {
        np.log1p: log1p,
        special.log1p: log1p,
        np.log: FunctionDomain(_TINY, np.inf, np.exp),
        np.log2: FunctionDomain(_TINY, np.inf, np.exp2),
        np.log10: FunctionDomain(_TINY, np.inf, lambda y: 10.0**y),
        np.sqrt: FunctionDomain(0.0, np.inf, np.square, 0.0),
        np.arcsin: FunctionDomain(-1.0, 1.0, np.sin, -quarter, quarter),
        np.arccosh: FunctionDomain(1.0, np.inf, np.cosh, 0.0),
        np.arctanh: FunctionDomain(_ABOVE_MINUS_ONE, _BELOW_ONE, np.tanh),
        special.logit: FunctionDomain(_TINY, _BELOW_ONE, special.expit),
        np.exp: FunctionDomain(-np.inf, _OVERFLOW, np.log, _TINY),
        np.expm1: FunctionDomain(-np.inf, _OVERFLOW, np.log1p, _ABOVE_MINUS_ONE),
    }
