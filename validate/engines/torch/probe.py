"""The signature of a model that doesn't state one: lengthen its inputs and see which outputs grow."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from ...errors import ParityGateError
from ...signature import Dim, Signature, TensorSpec
from .axes import Axes
from .call import Call
from .tensors import dtype_name, shape_of

Run = Callable[[Call], Mapping[str, Any]]
"""Runs a call's example and returns values by name; raises whatever the model raises."""


@dataclass(frozen=True, slots=True)
class Growth:
    """The outputs with every axis of one symbol longer by ``by``."""

    by: int
    values: Mapping[str, Any]


def probe_signature(subject: str, call: Call, values: Mapping[str, Any], axes: Axes, run: Run) -> Signature:
    """Specs of the call's inputs and of ``values``, its outputs.

    A symbol's axes are dynamic if the model also accepts them one longer, or twice as long. An axis of ``values`` that
    grows as much gets the symbol's name, one that grows differently a name of its own. Raises ParityGateError PG405
    when the model accepts neither and the user requested the axis.
    """
    found: dict[str, Growth] = {}
    for symbol in dict.fromkeys(axis.symbol for axis in axes.values()):
        places = {place: axis for place, axis in axes.items() if axis.symbol == symbol}
        growth = _grow(subject, call, places, run)
        if growth:
            found[symbol] = growth
    kept = {place: axis for place, axis in axes.items() if axis.symbol in found}
    return Signature(
        tuple(_input_spec(name, value, kept) for name, value in call.inputs),
        tuple(_output_spec(name, value, found) for name, value in values.items()),
    )


def _grow(subject: str, call: Call, places: Axes, run: Run) -> Growth | None:
    """Run the call with longer axes at these places; None when the model doesn't accept them."""
    lengths = [
        value.shape[axis] for name, value in call.inputs for axis in range(value.dim()) if (name, axis) in places
    ]
    failure: Exception | None = None
    for by in dict.fromkeys((1, min(lengths, default=1))):
        try:
            return Growth(by, run(call.with_values(partial(_lengthened, places, by))))
        except Exception as error:  # noqa: BLE001  # the model's own code may raise anything
            failure = failure or error
    if any(axis.requested for axis in places.values()):
        name, axis = next(iter(places))
        raise ParityGateError(
            "PG405", subject,
            f"axis {axis} of '{name}' was requested as dynamic, but the model fails when it is longer: {failure}",
            "Declare a fixed length for that axis.",
        ) from failure  # fmt: skip
    return None


def _lengthened(places: Axes, by: int, name: str, value: Any) -> Any:
    import torch

    for axis in range(value.dim()):
        if (name, axis) in places:
            value = torch.cat([value, value.narrow(axis, 0, by)], dim=axis)
    return value


def _input_spec(name: str, value: Any, axes: Axes) -> TensorSpec:
    sizes = enumerate(shape_of(value))
    shape = tuple(axes[name, axis].symbol if (name, axis) in axes else size for axis, size in sizes)
    return TensorSpec(name, _dtype(value), shape)


def _output_spec(name: str, value: Any, found: Mapping[str, Growth]) -> TensorSpec:
    sizes = shape_of(value)
    others = {symbol: shape_of(growth.values.get(name)) for symbol, growth in found.items()}
    if any(len(other) != len(sizes) for other in others.values()):
        return TensorSpec(name, _dtype(value), None)
    growth = [{symbol: other[axis] - size for symbol, other in others.items()} for axis, size in enumerate(sizes)]
    shape = (
        _dim(re.sub(r"\W", "_", f"{name}_dim_{axis}"), size, growth[axis], found) for axis, size in enumerate(sizes)
    )
    return TensorSpec(name, _dtype(value), tuple(shape))


def _dim(own: str, size: int, growth: Mapping[str, int], found: Mapping[str, Growth]) -> Dim:
    moved = {symbol: by for symbol, by in growth.items() if by}
    if not moved:
        return size
    symbol, by = next(iter(moved.items()))
    return symbol if len(moved) == 1 and by == found[symbol].by else own


def _dtype(value: Any) -> str:
    """The dtype of a tensor, or of the array that a number becomes."""
    import numpy as np

    return dtype_name(value.dtype) if hasattr(value, "dtype") else np.array(value).dtype.name
