"""How near the tensors of a float16 model come to the ends of its range, on the samples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import helper

from .types import FLOATS, tensors_of

if TYPE_CHECKING:
    from ..signature import Array

LARGEST, SMALLEST = 65504.0, 2.0**-14
"""The greatest finite float16, and the smallest that has all of its digits (IEEE 754, binary16)."""

_PREFIX = "paritygate.peak/"
_SHOWN = 3


def showing_peaks(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with one more output for every floating result: its greatest magnitude, a float32 scalar."""
    dtypes = tensors_of(model).dtypes
    for name in [name for node in list(model.graph.node) for name in node.output if dtypes.get(name) in FLOATS]:
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


def peaks_of(answers: Iterable[Mapping[str, Array]]) -> dict[str, float]:
    """The greatest magnitude of every tensor over all answers of a model that shows them, by the tensor's name."""
    found: dict[str, float] = {}
    for answer in answers:
        for output, value in answer.items():
            if output.startswith(f"{_PREFIX}peak/"):
                name = output.removeprefix(f"{_PREFIX}peak/")
                found[name] = float(np.fmax(found.get(name, 0.0), value))
    return found


def headroom(peaks: Mapping[str, float]) -> tuple[str, ...]:
    """Sentences for the user; none where nothing was seen."""
    if not peaks:
        return ()
    finite = {name: peak for name, peak in peaks.items() if peak <= LARGEST}
    highest = max(finite, key=finite.__getitem__, default="")
    said = [f"float16: the greatest value is {finite[highest]:.3g} in {highest!r}, of {LARGEST:g}"] if highest else []
    outside = {
        "overflow": [name for name, peak in peaks.items() if not peak <= LARGEST],
        "are below float16's normal range": [name for name, peak in peaks.items() if 0 < peak < SMALLEST],
    }
    for how, names in outside.items():
        if names:
            shown = ", ".join(names[:_SHOWN]) + (" ..." if len(names) > _SHOWN else "")
            said.append(
                f"float16: {len(names)} of {len(peaks)} tensors {how} ({shown}); --precision mixed keeps them wide"
            )
    return tuple(said)
