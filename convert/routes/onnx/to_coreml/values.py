"""The values between ONNX operators under translation, and their narrowing to Core ML's types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .mil import Var, mb, types

Array = npt.NDArray[Any]
Ints = tuple[int, ...]
Floats = tuple[float, ...]

_MIL_DTYPES = {"b": types.bool, "i": types.int32, "f": types.fp32}
_WIDTHS = {"b": "bool", "i": "int32", "f": "float32"}
_CASTS = {"b": "bool", "i": "int32", "f": "fp32"}
_KINDS = {**dict.fromkeys(("int4", "uint4", "int2", "uint2"), "i"), "bfloat16": "f"}


class NarrowingError(ValueError):
    """A value that doesn't fit Core ML's types."""


@dataclass(frozen=True, slots=True)
class Operand:
    """An input or output of an ONNX operator: its dtype in the source, and its content in the translation.

    ``content`` is a MIL variable (bool, int32 or fp32), or a numpy array in the source's own dtype if the value is
    known. A sequence of known length is a tuple of operands, an empty optional None. ``single`` marks a double that
    was cast from float32, so that narrowing doesn't round it.
    """

    content: Any
    dtype: np.dtype[Any]
    single: bool = False

    @property
    def known(self) -> bool:
        """Whether the value is a constant array."""
        return isinstance(self.content, np.ndarray)


def kind_of(dtype: np.dtype[Any]) -> str | None:
    """b, i or f: the kind of Core ML's type for a dtype of the source; None if there is none."""
    kind = {"u": "i"}.get(dtype.kind, dtype.kind)
    return kind if kind in _WIDTHS else _KINDS.get(dtype.name)


def narrowed(array: Array) -> Array:
    """``array`` as bool, int32 or float32. Raises NarrowingError if a value changes."""
    kind = kind_of(array.dtype)
    if kind is None:
        raise NarrowingError(f"Core ML has no tensors of {array.dtype}")
    with np.errstate(over="ignore", invalid="ignore"):
        narrow = np.asarray(array.astype(_WIDTHS[kind]))
    if kind == "i" and not np.array_equal(narrow.astype(array.dtype), array):
        raise NarrowingError(f"the {array.dtype} constant {_worst(array)} doesn't fit Core ML's int32")
    if kind == "f" and not np.array_equal(np.isfinite(narrow), np.isfinite(array)):
        raise NarrowingError(f"the {array.dtype} constant {_worst(array)} doesn't fit Core ML's float32")
    return narrow


def _worst(array: Array) -> Any:
    finite = np.where(np.isfinite(array), array, 0) if array.dtype.kind == "f" else array
    return max(finite.max(), finite.min(), key=lambda v: abs(float(v)))


def variable(value: Operand) -> Var:
    """``value`` as a MIL variable, a constant of the current block if it is known. Raises NarrowingError."""
    if isinstance(value.content, np.ndarray):
        if value.content.size == 0:
            raise NarrowingError("Core ML has no empty tensors")
        array = narrowed(value.content)
        return mb.const(val=array if array.ndim else array[()])
    if not isinstance(value.content, Var):
        raise NarrowingError("Core ML has neither sequences nor optionals")
    return value.content


def mil_dtype(dtype: np.dtype[Any]) -> Any:
    """The MIL type that represents a source's dtype."""
    return _MIL_DTYPES[kind_of(dtype) or ""]


def cast_name(dtype: np.dtype[Any]) -> str:
    """The name of that type, for ``mb.cast``."""
    return _CASTS[kind_of(dtype) or ""]
