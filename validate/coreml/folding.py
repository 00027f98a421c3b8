"""Layers that do arithmetic on shapes are computed during lowering, so that static shapes stay static."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..engines.telemetry import silent_onnxruntime
from .bind import Array
from .errors import damaged
from .graph import Graph, Tensor
from .layer import LAYERS, Layer

_MAX_ELEMENTS = 64
_NEVER = ("branch", "loop", "random", "categorical")
"""Prefixes of the kinds whose result isn't a function of their inputs alone."""


def computed(g: Graph, layer: Layer, inputs: Sequence[Tensor]) -> dict[str, Tensor] | None:
    """The layer's outputs as constants of ``g``, or None when its inputs aren't small constants."""
    if not inputs or layer.kind.startswith(_NEVER):
        return None
    given = [v.value for v in inputs if v.value is not None and v.value.size <= _MAX_ELEMENTS]
    if len(given) != len(inputs):
        return None
    scratch = Graph()
    with scratch.scope(layer.scope):
        results = LAYERS.lower(scratch, layer, [scratch.const(v) for v in given])
    for name, value in results.items():
        scratch.output(value, name)
    model, weights = scratch.build()
    if weights:
        return None
    arrays = _run(layer, model.SerializeToString(), list(results))
    if any(array.size > _MAX_ELEMENTS for array in arrays):
        return None
    return {name: g.const(array) for name, array in zip(results, arrays, strict=True)}


def _run(layer: Layer, model: bytes, names: Sequence[str]) -> list[Array]:
    ort = silent_onnxruntime()
    options = ort.SessionOptions()
    options.log_severity_level = 4
    try:
        session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        return [np.asarray(array) for array in session.run(names, {})]
    except Exception as e:  # ONNX Runtime's exceptions share no base class
        raise damaged(str(layer), f"it can't be computed: {e}") from e
