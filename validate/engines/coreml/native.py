"""Core ML models run by Apple's own framework, on macOS: alone, or beside our engine to compare the two."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...errors import ParityGateError
from ..base import Facts, LoadOptions
from ..registry import COREML_ENGINES, NATIVE, OURS, Format
from . import lowered as coreml

if TYPE_CHECKING:
    from ...coreml.features import Feature
    from ...signature import Array, Feed, Hint


def with_engine(rows: tuple[Format, ...], engine: str) -> tuple[Format, ...]:
    """The formats, with the Core ML ones run by ``engine``.

    Raises PG201 when there is no such engine or no Core ML model for it, PG207 when it doesn't run on this system.
    """
    if engine not in COREML_ENGINES:
        raise ParityGateError("PG201", engine, f"there is no such engine; there are {', '.join(COREML_ENGINES)}")
    if engine == OURS:
        return rows
    if all(row.name != "coreml" for row in rows):
        raise ParityGateError("PG201", f"--engine {engine}", "it is for Core ML models, and none was given")
    if platform.system() != "Darwin":
        raise ParityGateError(
            "PG207", f"--engine {engine}", "Apple's framework exists on macOS only", f"Use --engine {OURS}."
        )
    return tuple(_native(row, engine) if row.name == "coreml" else row for row in rows)


def _native(row: Format, engine: str) -> Format:
    module = __name__ if engine == NATIVE else "paritygate.validate.engines.coreml.both"
    return replace(row, engine=module, needs=(*row.needs, "coremltools"))


class NativeModel:
    """A Core ML model whose outputs Apple's framework computes; all that it says of itself comes from our engine."""

    notes: tuple[str, ...] = ()

    def __init__(self, ours: coreml.CoreMLModel, framework: Any) -> None:
        self.ours = ours
        self.native = ours.native
        self.signature = ours.signature
        self.framework = framework

    def run(self, feed: Feed) -> dict[str, Array]:
        """Every output as our engine gives it: an array, or for a dictionary ``name/keys`` and ``name/values``.

        Raises PG204 for inputs that don't fit. Whatever the framework raises is left to the caller.
        """
        session = self.ours.session
        given = {f.name: _given(f, feed[f.name]) for f in session.inputs if f.name in feed}
        state = {"state": self.framework.make_state()} if session.states else {}
        results: Mapping[str, Any] = self.framework.predict(given, **state)
        return {name: array for f in session.outputs for name, array in _tensors(f, results[f.name]).items()}

    def hints(self) -> tuple[Hint, ...]:
        """What our engine knows."""
        return self.ours.hints()

    def facts(self) -> Facts:
        """What our engine knows."""
        return self.ours.facts()


def load(source: Any, options: LoadOptions) -> NativeModel:
    """Open the model at the path ``source`` twice: with our engine, and with the framework.

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
