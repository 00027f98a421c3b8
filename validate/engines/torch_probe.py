"""The signature of a model that doesn't state one: lengthen its inputs and see what grows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..signature import Dim, Signature, TensorSpec
from .torch_axes import Axes
from .torch_call import Call
from .torch_common import dtype_name

Run = Callable[[Call], Mapping[str, Any]]
"""Runs a call's example and gives values by name; raises whatever the model raises."""


def probed_signature(call: Call, values: Mapping[str, Any], axes: Axes, run: Run) -> Signature:
    """Specs of the call's inputs, and of ``values``, which came out of running it.

    An axis is dynamic if the user asked for that, or if the model takes one more row as well. An axis of ``values``
    that grows with a symbol gets its name, one that grows otherwise a name of its own.
    """
    symbols = dict.fromkeys(axis.symbol for axis in axes.values())
    grown = {symbol: _run_longer(call, axes, symbol, run) for symbol in symbols}
    kept = {place: axis for place, axis in axes.items() if axis.asked or grown[axis.symbol] is not None}
    seen = {symbol: found for symbol, found in grown.items() if found is not None}
    return Signature(
        tuple(_input_spec(name, value, kept) for name, value in call.inputs),
        tuple(
            _output_spec(name, value, {symbol: found.get(name) for symbol, found in seen.items()})
            for name, value in values.items()
        ),
    )


def _input_spec(name: str, value: Any, axes: Axes) -> TensorSpec:
    sizes = enumerate(value_shape(value))
    shape = tuple(axes[name, axis].symbol if (name, axis) in axes else size for axis, size in sizes)
    return TensorSpec(name, value_dtype(value), shape)


def _run_longer(call: Call, axes: Axes, symbol: str, run: Run) -> Mapping[str, Any] | None:
    """What comes out when every axis of ``symbol`` is one longer; None when the model doesn't take that."""
    places = {place for place, axis in axes.items() if axis.symbol == symbol}
    try:
        return run(call.with_values(lambda name, value: _lengthened(name, value, places)))
    except Exception:  # noqa: BLE001  # whatever the model raises means no
        return None


def _lengthened(name: str, value: Any, places: set[tuple[str, int]]) -> Any:
    import torch

    for axis in range(value.dim()):
        if (name, axis) in places:
            value = torch.cat([value, value.narrow(axis, 0, 1)], dim=axis)
    return value


def _output_spec(name: str, value: Any, grown: Mapping[str, Any]) -> TensorSpec:
    sizes = value_shape(value)
    others = {symbol: value_shape(other) for symbol, other in grown.items()}
    if any(len(other) != len(sizes) for other in others.values()):
        return TensorSpec(name, value_dtype(value), None)
    shape = tuple(
        _dim(name, axis, {symbol: other[axis] - size for symbol, other in others.items()}, size)
        for axis, size in enumerate(sizes)
    )
    return TensorSpec(name, value_dtype(value), shape)


def _dim(name: str, axis: int, growth: Mapping[str, int], size: int) -> Dim:
    moved = {symbol: by for symbol, by in growth.items() if by}
    if not moved:
        return size
    symbol, by = next(iter(moved.items()))
    return symbol if len(moved) == 1 and by == 1 else f"{name}_dim_{axis}"


def value_shape(value: Any) -> tuple[int, ...]:
    """The sizes of a tensor; a number has none."""
    return tuple(value.shape) if hasattr(value, "shape") else ()


def value_dtype(value: Any) -> str:
    """The dtype of a tensor, or of the array that a number becomes."""
    import numpy as np

    return dtype_name(value.dtype) if hasattr(value, "dtype") else np.array(value).dtype.name
