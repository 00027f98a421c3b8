"""Parses command-line values about inputs."""

from __future__ import annotations

import ast
import math
import re
from typing import Any

from ..errors import ParityGateError
from ..signature import STRING, Constant, Dim, TensorSpec

DTYPES = (
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
    *("float16", "float32", "float64", "complex64", "complex128", "bool", STRING),
)
"""The dtypes that samples can hold, as a signature names them."""

_WORDS = {"none": None, "null": None, "true": True, "false": False}
_DIM_NAME = re.compile(r"[A-Za-z_]\w*|\?")


def parse_range(text: str) -> tuple[str, tuple[float, float]]:
    """``NAME:LO:HI`` -> (name, (lo, hi)), both ends included. Raises ParityGateError PG201.

    It is parsed from the right: a name may contain a colon.
    """
    name, *ends = text.rsplit(":", 2)
    try:
        low, high = (float(end) for end in ends)
    except ValueError as error:
        raise _bad_option("--range", text, "expected NAME:LO:HI with two numbers", "x:0:1") from error
    if not (name and math.isfinite(low) and math.isfinite(high) and low <= high):
        raise _bad_option("--range", text, "expected a name and two finite numbers, LO not greater than HI", "x:0:1")
    return name, (low, high)


def parse_input(text: str) -> TensorSpec | Constant:
    """``NAME:DTYPE:D0,D1,...`` -> the input it declares; ``NAME=VALUE`` -> an argument. Raises ParityGateError PG201.

    A dimension is a length, a name (equal names have equal lengths) or ``?``; without dimensions it is a scalar. It is
    parsed from the right: a name may contain a colon.
    """
    example = "x:float32:batch,3,224,224"
    parts = text.rsplit(":", 2)
    given, equals, value = text.partition("=")
    if given and equals and not (len(parts) == 3 and parts[1] in DTYPES):
        return Constant(given.strip(), _literal(value.strip()))
    if len(parts) != 3 or not parts[0]:
        raise _bad_option("--input", text, "expected NAME:DTYPE:D0,D1,... or NAME=VALUE", example)
    name, dtype, dims = (part.strip() for part in parts)
    if dtype not in DTYPES:
        raise _bad_option("--input", text, f"'{dtype}' is not one of {', '.join(DTYPES)}", example)
    return TensorSpec(name, dtype, tuple(_dim(part.strip(), text) for part in dims.split(",")) if dims else ())


def _literal(text: str) -> Any:
    """A value as Python writes it (``3``, ``0.5``, ``True``, ``None``, ``[1, 2]``); anything else is text."""
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def _dim(part: str, text: str) -> Dim:
    if part.isascii() and part.isdigit() and int(part) > 0:
        return int(part)
    if _DIM_NAME.fullmatch(part):
        return part
    raise _bad_option("--input", text, f"'{part}' is neither a positive length nor a name", "x:float32:batch,3,224,224")


def _bad_option(option: str, text: str, cause: str, example: str) -> ParityGateError:
    return ParityGateError("PG201", f"{option} {text}", cause, f"Example: {option} {example}")
