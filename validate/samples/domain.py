"""What is known about the values of one input: from the user's range, the source's hint, or the dtype."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ParityGateError
from ..signature import STRING, Hint, TensorSpec
from .options import DTYPES

if TYPE_CHECKING:
    from ..signature import Array

_WORDS = ("a", "b", "hello", "two words", "Ünïcode ß", "UPPER", "0", "-1.5", "")
_FULL_RANGE = ("int8", "uint8")  # pixels and quantised values; wider integers are mostly indices
_EXACT = 1 << 53  # larger integers aren't exact in float64, the type of ranges


@dataclass(frozen=True, slots=True)
class Domain:
    """The legal values of one input.

    ``low`` and ``high`` are inclusive, infinite where unbounded, and have shape () or (features,). ``usual`` is the
    range of most values, as the model's ``points`` (thresholds) suggest it. ``vocabulary`` is None where values are not
    drawn from a set; a feature with non-empty ``categories`` takes one of these. ``guessed`` says that the bounds are
    an assumption of this module; ``mask`` that the input selects positions, at least one of which must be selected.
    """

    low: Array
    high: Array
    usual: tuple[Array, Array]
    vocabulary: Array | None = None
    points: tuple[Array, ...] = ()
    missing: bool = False
    unknown: bool = False
    guessed: bool = False
    mask: bool = False
    categories: tuple[Array, ...] = ()


def numpy_dtype(spec: TensorSpec) -> np.dtype[Any]:
    """The numpy dtype of ``spec``. Raises ParityGateError PG204 if samples can't hold it."""
    if spec.dtype not in DTYPES:
        raise ParityGateError("PG204", f"input '{spec.name}'", f"samples can't hold its dtype {spec.dtype}")
    return np.dtype(str if spec.dtype == STRING else spec.dtype)


def domain_of(spec: TensorSpec, hint: Hint | None, given: tuple[float, float] | None) -> Domain:
    """The domain of ``spec``. Raises ParityGateError PG201 if the ``given`` range holds no values of its dtype."""
    hint = hint or Hint(spec.name)
    dtype = numpy_dtype(spec)
    if given and dtype.kind not in "iufc":
        raise ParityGateError("PG201", f"the range of '{spec.name}'", f"it doesn't apply to an input of {spec.dtype}")
    points = tuple(np.asarray(each, np.float64) for each in hint.points)
    ends = given or (-np.inf if hint.low is None else hint.low, np.inf if hint.high is None else hint.high)
    low, high = (np.asarray(end, np.float64) for end in ends)
    free = bool(np.isinf(low).any() or np.isinf(high).any())
    usual = _around(points) if points and free else (low, high)
    vocabulary = None if given else _vocabulary(hint, dtype)
    if dtype.kind in "iu" and vocabulary is None:
        low, high = usual = _integral(spec, dtype, *usual)
    return Domain(
        low,
        high,
        usual,
        vocabulary,
        points,
        hint.missing,
        hint.unknown,
        guessed=free and vocabulary is None and dtype.kind in "iu" and not points and dtype.name not in _FULL_RANGE,
        mask=free and vocabulary is None and dtype.kind in "iub" and "mask" in spec.name.lower(),
        categories=() if given else tuple(np.array(each, dtype) for each in hint.categories),
    )


def _vocabulary(hint: Hint, dtype: np.dtype[Any]) -> Array | None:
    if hint.vocabulary:
        return np.array(hint.vocabulary, dtype)
    return np.array(_WORDS) if dtype.kind == "U" else None


def _around(points: tuple[Array, ...]) -> tuple[Array, Array]:
    """Bounds that exceed each feature's points by a quarter of their span; none for a feature without points."""
    low = np.array([each.min() if each.size else -np.inf for each in points])
    high = np.array([each.max() if each.size else np.inf for each in points])
    span = np.where(np.isfinite(low) & (high > low), high - low, 4 * np.maximum(1, abs(high)))
    return low - span / 4, high + span / 4


def _integral(spec: TensorSpec, dtype: np.dtype[Any], low: Array, high: Array) -> tuple[Array, Array]:
    limits = np.iinfo(dtype)
    lowest, highest = max(limits.min, -_EXACT), min(limits.max, _EXACT)
    default = (lowest, highest) if dtype.name in _FULL_RANGE else (0, 1)
    low = np.ceil(np.where(np.isinf(low), np.minimum(default[0], high), low))
    high = np.floor(np.where(np.isinf(high), np.maximum(default[1], low), high))
    if np.any(low > high) or np.any(low < lowest) or np.any(high > highest):
        raise ParityGateError(
            "PG201",
            f"the range of '{spec.name}'",
            f"{low} to {high} is not a range of {dtype} values between {lowest} and {highest}",
            "Change --range.",
        )
    return low.astype(np.int64), high.astype(np.int64)
