"""Replacements for what pickles call and set: the same results, without the ways into other code or into memory."""

from __future__ import annotations

from typing import Any

import numpy as np

_FIXED_LENGTHS = (-1, None)
_FILLED: tuple[type, ...] = (dict, list, set)
_BASES: tuple[type, ...] = (*_FILLED, tuple, frozenset, str, int, float)


def encode(text: str, encoding: str = "latin1", *errors: str) -> bytes:
    """What Python's older protocols write for bytes. Raises ValueError for another codec: codecs are imported."""
    if encoding not in ("latin1", "latin-1") or errors or type(text) is not str:
        raise ValueError(f"bytes in the encoding {encoding!r}")
    return text.encode("latin1")


def reconstruct(kind: Any, base: Any, state: Any) -> Any:
    """``copyreg._reconstructor`` for plain objects and subclasses of containers. Raises ValueError for others."""
    if base is object:
        return object.__new__(kind)
    if base not in _BASES or not issubclass(kind, base):
        raise ValueError(f"an object of {kind.__name__} built as {base!r}")
    made = base.__new__(kind, state)
    if base in _FILLED:
        base.__init__(made, state)  # not the class's own, which may do anything
    return made


def new_dtype(description: Any, align: bool = False, copy: bool = False) -> np.dtype[Any]:
    """A data type of its own: the state that follows must not change numpy's."""
    made: np.dtype[Any] = np.dtype(description, bool(align), True)
    return made


def set_dtype(blank: np.dtype[Any], state: Any) -> None:
    """Give a new data type its byte order, fields or unit.

    The state in a pickle also holds numpy's internal flags, sizes and offsets, which numpy believes: an array of
    objects whose flags deny it would take any bytes for addresses. So only what the state *means* is used, numpy
    computes the rest, and ValueError is raised where that gives another type.
    """
    made = _described(blank, state)
    if made.itemsize != blank.itemsize or made.kind != blank.kind:
        raise ValueError(f"the data type {blank} with the state of {made}")
    blank.__setstate__(made.__reduce__()[2])  # type: ignore[attr-defined]  # the stub leaves it out


def _described(blank: np.dtype[Any], state: Any) -> np.dtype[Any]:
    _, order, base, names, fields, size, _, flags, *more = state
    if names is not None:
        return _structured(names, fields, size, bool(int(flags) & 0x80))
    if base is not None:
        return np.dtype((base[0], base[1]))
    if blank.kind in "mM":
        unit, count, divisor, _ = more[0][1]
        unit = unit.decode() if isinstance(unit, bytes) else str(unit)
        step = f"{int(count)}{unit}" + (f"/{int(divisor)}" if int(divisor) != 1 else "")
        plain = np.dtype(f"{blank.kind}8" if unit == "generic" else f"{blank.kind}8[{step}]")
        return plain.newbyteorder(order)
    if size not in (*_FIXED_LENGTHS, blank.itemsize):
        raise ValueError(f"the data type {blank} of {size} bytes")
    return np.dtype(blank.str).newbyteorder(order)


def _structured(names: Any, fields: Any, size: int, align: bool) -> np.dtype[Any]:
    described: dict[str, Any] = {
        "names": list(names),
        "formats": [fields[name][0] for name in names],
        "offsets": [int(fields[name][1]) for name in names],
        "itemsize": int(size),
    }
    if not all(isinstance(each, np.dtype) for each in described["formats"]):
        raise ValueError("a field without a data type")
    return np.dtype(described, align)  # type: ignore[call-overload,no-any-return]  # the stub knows no dictionaries
