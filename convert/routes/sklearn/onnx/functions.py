"""Numpy's elementwise functions in ONNX, in double and as accurate near zero as numpy's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .tensors import Tensor


def elementwise(function: Any) -> Callable[[Tensor], Tensor]:
    """The translation of a numpy or scipy function. Raises RuntimeError for any other Python function."""
    from scipy import special

    table = {
        **FUNCTIONS,
        special.expit: Tensor.sigmoid,
        special.logit: lambda x: log(x) - log1p(-x),
        special.log1p: log1p,
        special.expm1: expm1,
    }
    try:
        return table[function]
    except (KeyError, TypeError):
        name = getattr(function, "__name__", repr(function))
        raise RuntimeError(
            f"the Python function {name!r} has no translation to ONNX, unlike numpy's functions"
        ) from None


def log(x: Tensor) -> Tensor:
    """Natural logarithm."""
    return x.log()


def log1p(x: Tensor) -> Tensor:
    """``log(1 + x)`` without loss near zero: the rounding of ``1 + x`` is compensated (Kahan)."""
    shifted = x + 1.0
    exact = shifted.equals(1.0)
    return exact.where(x, x.minimum(np.inf) * shifted.log() / exact.where(1.0, shifted - 1.0))


def expm1(x: Tensor) -> Tensor:
    """``exp(x) - 1`` without loss near zero, where it is ``2 t / (1 - t)`` with ``t = tanh(x / 2)``."""
    half = (x.clip(-1.0, 1.0) * 0.5).tanh()
    return (abs(x) < 1.0).where(half * 2.0 / (1.0 - half), x.exp() - 1.0)


def normal_quantile(p: Tensor) -> Tensor:
    """Inverse of the normal distribution function: Wichura (1988), algorithm AS 241, PPND16."""
    q = p - 0.5
    central = 0.180625 - q * q
    tail = (-(p.minimum(1.0 - p)).log()).sqrt()
    near, far = tail - 1.6, tail - 5.0
    middle = q * _polynomial(central, _CENTRAL[0]) / _polynomial(central, _CENTRAL[1])
    outside = (tail <= 5.0).where(
        _polynomial(near, _NEAR[0]) / _polynomial(near, _NEAR[1]),
        _polynomial(far, _FAR[0]) / _polynomial(far, _FAR[1]),
    )
    return (abs(q) <= 0.425).where(middle, outside * q.sign())


def normal_distribution(x: Tensor) -> Tensor:
    """The normal distribution function."""
    return (erf(x * np.sqrt(0.5)) + 1.0) * 0.5


def erf(x: Tensor) -> Tensor:
    """The error function in double; ONNX Runtime's Erf supports float32 only.

    Shepherd and Laframboise (1981): ``(1 + 2 a) exp(a^2) erfc(a)`` of ``a = |x|`` is smooth in
    ``s = (a - k) / (a + k)``, so that a short Chebyshev series in s gives it to full precision.
    """
    from scipy.special import erfcx

    def smooth(s: NDArray[Any]) -> Any:
        a = _K * (1 + s) / (1 - s)
        return (1 + 2 * a) * erfcx(a)

    a = abs(x)
    series = _chebyshev((a - _K) / (a + _K), np.polynomial.chebyshev.chebinterpolate(smooth, _DEGREE))
    return (1.0 - (-(a * a)).exp() * series / (a * 2.0 + 1.0)) * x.sign()


_K, _DEGREE = 3.75, 28


def _chebyshev(s: Tensor, coefficients: NDArray[Any]) -> Tensor:
    """Clenshaw's recurrence."""
    twice, later, last = s * 2.0, s * 0.0, s * 0.0 + float(coefficients[-1])
    for coefficient in coefficients[-2:0:-1]:
        last, later = twice * last - later + float(coefficient), last
    return s * last - later + float(coefficients[0])


def _polynomial(x: Tensor, coefficients: tuple[float, ...]) -> Tensor:
    """Horner's scheme, the highest power first."""
    result = x * coefficients[0] + coefficients[1]
    for coefficient in coefficients[2:]:
        result = result * x + coefficient
    return result


_CENTRAL = (
    (2509.0809287301227, 33430.57558358813, 67265.7709270087, 45921.95393154987,
     13731.69376550946, 1971.5909503065513, 133.14166789178438, 3.3871328727963665),
    (5226.495278852854, 28729.085735721943, 39307.89580009271, 21213.794301586597,
     5394.196021424751, 687.1870074920579, 42.31333070160091, 1.0),
)  # fmt: skip
_NEAR = (
    (0.0007745450142783414, 0.022723844989269184, 0.2417807251774506, 1.2704582524523684,
     3.6478483247632045, 5.769497221460691, 4.630337846156546, 1.4234371107496835),
    (1.0507500716444169e-09, 0.0005475938084995345, 0.015198666563616457, 0.14810397642748008,
     0.6897673349851, 1.6763848301838038, 2.053191626637759, 1.0),
)  # fmt: skip
_FAR = (
    (2.0103343992922881e-07, 2.7115555687434876e-05, 0.0012426609473880784, 0.026532189526576124,
     0.29656057182850487, 1.7848265399172913, 5.463784911164114, 6.657904643501103),
    (2.0442631033899397e-15, 1.421511758316446e-07, 1.8463183175100548e-05, 0.0007868691311456133,
     0.014875361290850615, 0.1369298809227358, 0.599832206555888, 1.0),
)  # fmt: skip
"""Numerator and denominator of AS 241's three rational approximations, the highest power first."""

FUNCTIONS: dict[Any, Callable[[Tensor], Tensor]] = {
    np.abs: abs,
    np.absolute: abs,
    np.cbrt: lambda x: x.sign() * abs(x) ** (1 / 3),
    np.ceil: lambda x: x.graph.op("Ceil", x),
    np.cos: Tensor.cos,
    np.exp: Tensor.exp,
    np.exp2: lambda x: 2.0**x,
    np.expm1: expm1,
    np.floor: Tensor.floor,
    np.log: log,
    np.log10: lambda x: x.log() / np.log(10),
    np.log1p: log1p,
    np.log2: lambda x: x.log() / np.log(2),
    np.negative: lambda x: -x,
    np.reciprocal: lambda x: 1.0 / x,
    np.rint: lambda x: x.graph.op("Round", x),
    np.sign: Tensor.sign,
    np.sin: Tensor.sin,
    np.sqrt: Tensor.sqrt,
    np.square: lambda x: x * x,
    np.tanh: Tensor.tanh,
}
"""Elementwise functions of numpy that have a translation."""
