"""Core ML models run by Apple's own framework, which exists on macOS only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...errors import ParityGateError
from ..base import Facts, LoadOptions
from . import lowered as coreml

if TYPE_CHECKING:
    from ...coreml.features import Feature
    from ...signature import Array, Feed, Hint


class NativeModel:
    """A Core ML model whose outputs Apple's framework computes; its description comes from the lowered model."""

    notes: tuple[str, ...] = ()

    def __init__(self, lowered: coreml.CoreMLModel, framework: Any) -> None:
        self.lowered = lowered
        self.native = lowered.native
        self.signature = lowered.signature
        self.framework = framework

    def run(self, feed: Feed) -> dict[str, Array]:
        """Every output as the lowered model gives it: an array, or for a dictionary ``name/keys`` and ``name/values``.

        Raises PG204 for inputs that don't fit. Whatever the framework raises is left to the caller.
        """
        session = self.lowered.session
        given = {f.name: _given(f, feed[f.name]) for f in session.inputs if f.name in feed}
        state = {"state": self.framework.make_state()} if session.states else {}
        results: Mapping[str, Any] = self.framework.predict(given, **state)
        return {name: array for f in session.outputs for name, array in _tensors(f, results[f.name]).items()}

    def hints(self) -> tuple[Hint, ...]:
        """What the lowered model knows."""
        return self.lowered.hints()

    def facts(self) -> Facts:
        """What the lowered model knows."""
        return self.lowered.facts()


def load(source: Any, options: LoadOptions) -> NativeModel:
    """Open the model at the path ``source`` twice: lowered, and with the framework.

    Raises what :func:`.lowered.load` raises, and PG402 when the framework refuses the model.
    """
    return NativeModel(coreml.load(source, options), _framework(str(source), options.signature))


def _framework(path: str, function_name: str | None) -> Any:
    """coremltools' MLModel, on the CPU: the one unit whose arithmetic is the same on every Mac."""
    import coremltools

    try:
        return coremltools.models.MLModel(
            path, compute_units=coremltools.ComputeUnit.CPU_ONLY, function_name=function_name
        )
    except Exception as e:  # the framework's errors share no base class
        raise ParityGateError("PG402", path, f"Apple's framework refuses it: {e}") from e


def _given(feature: Feature, value: Any) -> Any:
    """An input as ``MLModel.predict`` takes it: array, RGB or grey image, number, string or dictionary."""
    from ...coreml.features import decode, encode

    named = replace(feature, tensor="")
    plain = decode(named, encode(named, value))
    return plain.convert("RGB") if getattr(plain, "mode", "") == "RGBA" else plain


def _tensors(feature: Feature, value: Any) -> dict[str, Array]:
    """An output of ``MLModel.predict`` as tensors."""
    import numpy as np

    from ...coreml.features import encode

    if feature.keys is not None or feature.kind == "imageType":
        return encode(feature, value)
    array = np.asarray(value)
    return {feature.name: array.reshape(1) if array.ndim == 0 else array}
