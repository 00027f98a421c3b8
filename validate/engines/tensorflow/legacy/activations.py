"""Activations that Keras 3 computes differently from Keras 1 and 2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_HARD_SIGMOID = "hard_sigmoid_of_keras_2"


def modern_activation(saved: Any) -> Any:
    """A serialised activation. ``hard_sigmoid`` was clip(x / 5 + 1/2); Keras 3's is clip(x / 6 + 1/2)."""
    name = saved.get("config") if isinstance(saved, Mapping) and saved.get("class_name") == "function" else saved
    if name != "hard_sigmoid":
        return saved
    return {"module": "builtins", "class_name": "function", "config": _HARD_SIGMOID, "registered_name": "function"}


def activations() -> dict[str, Any]:
    """The functions that :func:`modern_activation` names, as custom objects."""
    from keras import ops

    def hard_sigmoid_of_keras_2(x: Any) -> Any:
        return ops.clip(0.2 * x + 0.5, 0.0, 1.0)

    return {_HARD_SIGMOID: hard_sigmoid_of_keras_2}
