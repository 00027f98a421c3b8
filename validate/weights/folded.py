"""Constants that a converter has computed from parameters: batch normalisation in the layer before it, sums of biases.

Each is computed again in float64; the candidate's value must be right to a few units in its last place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from .arrange import transposed
from .ledger import Found, Ledger, Weights

if TYPE_CHECKING:
    import numpy.typing as npt

    from ..signature import Array

    Doubles = npt.NDArray[np.float64]
    Layers = Mapping[tuple[str, int], Mapping[str, Doubles]]

_UNITS = 16.0
"""A scale is a root and a quotient, a bias two sums and a product, each rounded; libraries order them as they like."""

_MOST_OF_A_LAYER = 8
_EPSILONS = (1e-3, 1e-5, 1e-6, 1e-12, 1e-4, 1.001e-5, 2e-5, 1e-8)
"""What frameworks and published models give to batch normalisation."""

_LAST_PART = re.compile(r"[./][^./]*$")


@dataclass(frozen=True, slots=True)
class _Normalisation:
    """One reading of a layer's vectors as a batch normalisation: y = scale * x + shift, and what they are made of."""

    scale: Doubles
    of_scale: tuple[str, ...]
    shifts: tuple[tuple[Doubles, Doubles, tuple[str, ...]], ...]
    """(shift, its terms' magnitudes, parameters)"""


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Vectors of one length that a converter may have computed: values and magnitudes (n, length), and their parts."""

    values: Doubles
    sizes: Doubles
    parts: tuple[tuple[str, ...], ...]

    def find(self, constant: Array) -> tuple[str, ...]:
        """The parts of the first one that the constant is; () for none."""
        unit = _UNITS * float(np.finfo(constant.dtype).eps)
        close = (np.abs(self.values - constant.astype(np.float64)) <= unit * self.sizes).all(1)
        return self.parts[int(close.argmax())] if close.any() else ()


def match_folded(ledger: Ledger, constants: Weights) -> None:
    """Explain what is left over by recomputing it; mark the parameters that it was made of."""
    for name, array in ledger.parameters.items():
        if not array.any():  # adding zeros changes nothing, so a converter may leave them out
            ledger.mark(name, Found.FOLDED)
    left = {name: array for name, array in constants.items() if name not in ledger.explained and array.size > 1}
    layers = _layers(ledger)
    known = [each for layer in layers.values() for each in _readings(layer)]
    for name, array in left.items():
        if array.size != max(array.shape):
            _kernel(ledger, name, array, known)
    vectors = {name: array.reshape(-1) for name, array in left.items() if array.size == max(array.shape)}
    for length in sorted({len(vector) for vector in vectors.values()}):
        own = [each for each in known if len(each.scale) == length]
        candidates = _candidates(own)
        for name, vector in vectors.items():
            if len(vector) == length and name not in ledger.explained:
                biases = _open_vectors(ledger, layers, length)
                plain = candidates.find(vector) if candidates else ()
                _explain(ledger, name, *(plain or _scaled_bias(ledger, vector, own, biases) or _sum(vector, biases)))


def _layers(ledger: Ledger) -> dict[tuple[str, int], dict[str, Doubles]]:
    """The vectors of each layer by their names without the last part, and by their length."""
    found: dict[tuple[str, int], dict[str, Doubles]] = {}
    for name, array in ledger.parameters.items():
        if array.size == max(array.shape, default=1) > 1:
            key = _LAST_PART.sub("", name), array.size
            found.setdefault(key, {})[name] = array.reshape(-1).astype(np.float64)
    return {key: layer for key, layer in found.items() if len(layer) <= _MOST_OF_A_LAYER}


def _readings(layer: Mapping[str, Doubles]) -> Iterator[_Normalisation]:
    """Every way in which a layer's vectors may be factor (or none), variance, mean and shift (or none)."""
    for variance, values in layer.items():
        if len(layer) < 2 or (values < 0).any():
            continue
        rest = [name for name in layer if name != variance]
        for factor in (*rest, ""):
            for epsilon in _EPSILONS:
                scale = (layer[factor] if factor else 1.0) / np.sqrt(values + epsilon)
                used = tuple(filter(None, (factor, variance)))
                yield _Normalisation(scale, used, tuple(_shifts(layer, scale, [n for n in rest if n != factor])))


def _shifts(
    layer: Mapping[str, Doubles], scale: Doubles, rest: Sequence[str]
) -> Iterator[tuple[Doubles, Doubles, tuple[str, ...]]]:
    for mean in rest:
        moved = -layer[mean] * scale
        yield moved, np.abs(moved), (mean,)
        for shift in rest:
            if shift != mean:
                yield layer[shift] + moved, np.abs(layer[shift]) + np.abs(moved), (mean, shift)


def _kernel(ledger: Ledger, name: str, constant: Array, known: Sequence[_Normalisation]) -> None:
    """A kernel whose output channels a batch normalisation has scaled."""
    for parameter, kernel in ledger.parameters.items():
        if kernel.size != constant.size or kernel.ndim < 2 or ledger.is_whole(parameter):
            continue
        for scale in _channel_scales(kernel, constant):
            reading = next((each for each in known if _is_scale(each.scale, scale)), None)
            if reading is not None:
                _explain(ledger, name, parameter, *reading.of_scale)
                return


def _channel_scales(kernel: Array, constant: Array) -> Iterator[Doubles]:
    """The scale of each output channel (the first or the last axis), for each turn of the kernel that it explains."""
    shape = [length for length in constant.shape if length > 1]
    given = constant.reshape(shape).astype(np.float64)
    for turned in transposed(kernel):
        if list(turned.shape) != shape:
            continue
        plain = turned.astype(np.float64)
        for axis in {0, len(shape) - 1}:
            others = tuple(each for each in range(len(shape)) if each != axis)
            power = (plain * plain).sum(others, keepdims=True)
            scale: Doubles = (given * plain).sum(others, keepdims=True) / np.where(power > 0, power, 1)
            if _is_close(plain * scale, constant.reshape(shape)):
                yield scale.reshape(-1)


def _is_scale(wanted: Doubles, found: Doubles) -> bool:
    unit = 4 * _UNITS * float(np.finfo(np.float32).eps)
    return wanted.shape == found.shape and bool(np.allclose(wanted, found, rtol=unit, atol=0))


def _candidates(own: Sequence[_Normalisation]) -> _Candidates | None:
    """Each normalisation's own scale and shifts."""
    rows = [(each.scale, 4 * np.abs(each.scale), each.of_scale) for each in own]
    rows += [shift for each in own for shift in each.shifts]
    return _stacked(rows) if rows else None


def _stacked(rows: Sequence[tuple[Doubles, Doubles, tuple[str, ...]]]) -> _Candidates:
    values, sizes, parts = zip(*rows, strict=True)
    return _Candidates(np.stack(values), np.stack(sizes), parts)


def _open_vectors(
    ledger: Ledger, layers: Mapping[tuple[str, int], Mapping[str, Doubles]], size: int
) -> dict[str, Doubles]:
    """Vectors of this length that were not found yet."""
    found = {name: vector for (_, length), layer in layers.items() if length == size for name, vector in layer.items()}
    return {name: vector for name, vector in found.items() if not ledger.is_whole(name)}


def _scaled_bias(
    ledger: Ledger, constant: Array, own: Sequence[_Normalisation], biases: Mapping[str, Doubles]
) -> tuple[str, ...]:
    """A bias that a normalisation has scaled and shifted; only normalisations whose scale is in a kernel count."""
    used = [each for each in own if all(map(ledger.is_whole, each.of_scale)) and each.shifts]
    for bias, values in biases.items():
        rows = [
            (values * each.scale + shift, np.abs(values * each.scale) + size, (bias, *parts))
            for each in used
            for shift, size, parts in each.shifts
            if bias not in parts
        ]
        if rows and (found := _stacked(rows).find(constant)):
            return found
    return ()


def _sum(constant: Array, biases: Mapping[str, Doubles]) -> tuple[str, ...]:
    """Two biases that add up to the constant, such as an LSTM's."""
    pairs = (pair for pair in combinations(biases, 2) if _is_close(biases[pair[0]] + biases[pair[1]], constant))
    return next(pairs, ())


def _is_close(wanted: Doubles, given: Array, size: Doubles | None = None) -> bool:
    unit = _UNITS * float(np.finfo(given.dtype).eps)
    scale = np.abs(wanted) if size is None else size
    return wanted.shape == given.shape and bool((np.abs(given.astype(np.float64) - wanted) <= unit * scale).all())


def _explain(ledger: Ledger, constant: str, *parameters: str) -> None:
    if parameters:
        ledger.explained.add(constant)
    for name in parameters:
        ledger.mark(name, Found.FOLDED)
