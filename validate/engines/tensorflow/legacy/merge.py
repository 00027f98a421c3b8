"""The layer Merge of Keras 1: one class for what are many today."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....errors import ParityGateError

_MODES = {"sum": "Add", "mul": "Multiply", "concat": "Concatenate", "ave": "Average", "max": "Maximum"}
_PRODUCTS = {"dot": False, "cos": True}
"""Mode -> whether the vectors are normalised."""


def modern_merge(config: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The class and the arguments that do the same.

    Raises ParityGateError PG402 for functions of the user's, and for a Merge that holds its layers itself.
    """
    mode, name = config.get("mode"), config.get("name", "merge")
    if config.get("layers"):
        raise ParityGateError("PG402", f"layer {name}", "it is a Merge of Keras 1 that begins a Sequential model")
    if mode in _PRODUCTS:
        return "Dot", {"name": name, "axes": config.get("dot_axes", -1), "normalize": _PRODUCTS[mode]}
    if mode not in _MODES:
        raise ParityGateError("PG402", f"layer {name}", f"Keras 3 has nothing for a Merge with the mode {mode!r}")
    return _MODES[mode], {"name": name} | ({"axis": config.get("concat_axis", -1)} if mode == "concat" else {})
