"""Constants that a converter has computed from parameters: batch normalisation in the layer before it, sums of biases.

Each is computed again in float64; the candidate's value must be right to a few units in its last place.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from .arrange import transposed
from .ledger import Found, Ledger, Weights

if TYPE_CHECKING:
    import numpy.typing as npt

    from ..signature import Array

    Doubles = npt.NDArray[np.float64]

_UNITS = 16.0
"""A scale is a root and a quotient, a bias two sums and a product, each rounded; libraries order them as they like."""

_MOST_VECTORS = 400
_EPSILONS = (1e-3, 1e-5, 1e-6, 1e-12, 1e-4, 1.001e-5, 2e-5, 1e-8)
"""What frameworks and published models give to batch normalisation."""


def match_folded(ledger: Ledger, constants: Weights) -> None:
    """Explain what is left over by recomputing it; mark the parameters that it was made of."""
    for name, array in ledger.parameters.items():
        if not array.any():  # adding zeros changes nothing, so a converter may leave them out
            ledger.mark(name, Found.FOLDED)
    left = {name: array for name, array in constants.items() if name not in ledger.explained and array.size > 1}
    _sums(ledger, left)
    for name, array in left.items():
        if array.ndim > 1 and name not in ledger.explained:
            _scaled(ledger, name, array, left)


def _vectors(ledger: Ledger, length: int) -> dict[str, Doubles]:
    """Parameters of one axis and this length."""
    found = {
        name: array.reshape(-1).astype(np.float64) for name, array in ledger.parameters.items() if array.size == length
    }
    if len(found) > _MOST_VECTORS:
        return {}
    return dict(sorted(found.items(), key=lambda item: ledger.is_whole(item[0])))  # those not yet found first


def _sums(ledger: Ledger, constants: Weights) -> None:
    """Sums of two parameters of equal shape, such as an LSTM's two biases."""
    for name, array in constants.items():
        vectors = _vectors(ledger, array.size) if array.ndim == 1 else {}
        open_ones = [each for each in vectors if not ledger.is_whole(each)]
        for one, other in combinations(open_ones, 2):
            if _is_close(vectors[one] + vectors[other], array):
                _explain(ledger, name, one, other)


def _scaled(ledger: Ledger, name: str, constant: Array, constants: Weights) -> None:
    """A kernel whose output channels a batch normalisation has scaled."""
    for parameter, kernel in ledger.parameters.items():
        if kernel.size != constant.size or kernel.ndim < 2 or ledger.is_whole(parameter):
            continue
        for turned in transposed(kernel):
            found = _channel_scale(turned, constant)
            if found is not None and (normalised := _normalisation(ledger, found, constants)):
                _explain(ledger, name, parameter, *normalised)
                return


def _channel_scale(kernel: Array, constant: Array) -> Doubles | None:
    """The scale of each output channel (the first or the last axis), if it explains the constant."""
    shape = [length for length in constant.shape if length > 1]
    if list(kernel.shape) != shape:
        return None
    given, plain = constant.reshape(shape).astype(np.float64), kernel.astype(np.float64)
    for axis in {0, len(shape) - 1}:
        others = tuple(each for each in range(len(shape)) if each != axis)
        power = (plain * plain).sum(others, keepdims=True)
        if not (power > 0).all():
            continue
        scale: Doubles = (given * plain).sum(others, keepdims=True) / power
        if _is_close(plain * scale, constant.reshape(shape)):
            return scale.reshape(-1)
    return None


def _normalisation(ledger: Ledger, scale: Doubles, constants: Weights) -> tuple[str, ...]:
    """The parameters of the batch normalisation that gives this scale: factor (if any) and variance, and its shift."""
    vectors = _vectors(ledger, len(scale))
    for variance, values in vectors.items():
        if (values < 0).any():
            continue
        for factor, numerator in [("", np.ones(len(scale))), *vectors.items()]:
            if factor != variance and _is_scale(scale, numerator, values):
                used = (factor, variance) if factor else (variance,)
                return (*used, *_shift(ledger, scale, vectors, set(used), constants))
    return ()


def _is_scale(scale: Doubles, factor: Doubles, variance: Doubles) -> bool:
    unit = 4 * _UNITS * float(np.finfo(np.float32).eps)
    return any(np.allclose(factor / np.sqrt(variance + eps), scale, rtol=unit, atol=0) for eps in _EPSILONS)


def _shift(
    ledger: Ledger, scale: Doubles, vectors: dict[str, Doubles], used: set[str], constants: Weights
) -> tuple[str, ...]:
    """Mean and shift (and bias) of a normalisation whose recomputed bias is one of the constants."""
    rest = [name for name in vectors if name not in used and not ledger.is_whole(name)]
    biases = {name: array for name, array in constants.items() if array.size == len(scale)}
    for mean, (shift, added), (bias, before) in _triples(rest, vectors):
        wanted = (before - vectors[mean]) * scale + added
        size = np.abs(before * scale) + np.abs(vectors[mean] * scale) + np.abs(added)
        for name, array in biases.items():
            if name not in ledger.explained and _is_close(wanted, array.reshape(-1), size):
                ledger.explained.add(name)
                return tuple(filter(None, (mean, shift, bias)))
    return ()


def _triples(
    names: list[str], vectors: dict[str, Doubles]
) -> Iterator[tuple[str, tuple[str, Doubles], tuple[str, Doubles]]]:
    none = ("", np.zeros(len(next(iter(vectors.values())))))
    optional = [none, *((name, vectors[name]) for name in names)]
    for mean in names:
        for shift in optional:
            for bias in optional:
                if len({mean, shift[0], bias[0]} - {""}) == 1 + bool(shift[0]) + bool(bias[0]):
                    yield mean, shift, bias


def _is_close(wanted: Doubles, given: Array, size: Doubles | None = None) -> bool:
    unit = _UNITS * float(np.finfo(given.dtype).eps)
    scale = np.abs(wanted) if size is None else size
    return wanted.shape == given.shape and bool((np.abs(given.astype(np.float64) - wanted) <= unit * scale).all())


def _explain(ledger: Ledger, constant: str, *parameters: str) -> None:
    ledger.explained.add(constant)
    for name in parameters:
        ledger.mark(name, Found.FOLDED)
