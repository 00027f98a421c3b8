"""How close the tensors of a float16 model come to the ends of its range, on the samples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import helper

from .precision import ROUNDOFF
from .tensors import tensors_of

if TYPE_CHECKING:
    from ..signature import Array

LARGEST, SMALLEST = 65504.0, 2.0**-14
"""The greatest finite float16, and the smallest with full precision (IEEE 754, binary16)."""

_PREFIX = "paritygate.peak/"
_MOST_NAMED = 3


def showing_peaks(model: onnx.ModelProto) -> onnx.ModelProto:
    """Add an output for every floating result, in place: its greatest magnitude, a float32 scalar."""
    dtypes = tensors_of(model).dtypes
    for name in [name for node in list(model.graph.node) for name in node.output if dtypes.get(name) in ROUNDOFF]:
        wide, size, peak = (f"{_PREFIX}{step}/{name}" for step in ("wide", "size", "peak"))
        model.graph.node.extend(
            [
                helper.make_node("Cast", [name], [wide], to=onnx.TensorProto.FLOAT),
                helper.make_node("Abs", [wide], [size]),
                helper.make_node("ReduceMax", [size], [peak], keepdims=0),
            ]
        )
        model.graph.output.append(helper.make_tensor_value_info(peak, onnx.TensorProto.FLOAT, []))
    return model


def peaks_of(runs: Iterable[Mapping[str, Array]]) -> dict[str, float]:
    """Tensor -> its greatest magnitude, over the outputs of all runs of a model with peaks."""
    found: dict[str, float] = {}
    for outputs in runs:
        for output, value in outputs.items():
            if output.startswith(f"{_PREFIX}peak/"):
                name = output.removeprefix(f"{_PREFIX}peak/")
                found[name] = float(np.fmax(found.get(name, 0.0), value))
    return found


def headroom(peaks: Mapping[str, float]) -> tuple[str, ...]:
    """Notes for the user; none where there are no peaks."""
    if not peaks:
        return ()
    outside = {
        "overflow": [name for name, peak in peaks.items() if not peak <= LARGEST],
        "are below float16's normal range": [name for name, peak in peaks.items() if 0 < peak < SMALLEST],
    }
    warnings = (_warning(names, len(peaks), what) for what, names in outside.items() if names)
    return (*_largest(peaks), *warnings)


def _largest(peaks: Mapping[str, float]) -> list[str]:
    finite = {name: peak for name, peak in peaks.items() if peak <= LARGEST}
    if not finite:
        return []
    name = max(finite, key=finite.__getitem__)
    return [f"float16: the largest value is {finite[name]:.3g} in {name!r} (limit {LARGEST:g})"]


def _warning(names: list[str], count: int, what: str) -> str:
    shown = ", ".join(names[:_MOST_NAMED]) + (" ..." if len(names) > _MOST_NAMED else "")
    return f"float16: {len(names)} of {count} tensors {what} ({shown}); --precision mixed keeps them in float32"
