"""The graph of layers of a functional model: which layer is called on which tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_MODELS = ("Model", "Sequential")
_RECURRENT = ("Bidirectional", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "GRU", "LSTM", "RNN", "SimpleRNN")
_CONSTANT = "_CONSTANT_VALUE"

Shifts = Mapping[str, int]
"""Layer -> the number of its calls that Keras 2 counts and Keras 3 doesn't: a nested model's own."""


def modern_graph(config: Mapping[str, Any]) -> dict[str, Any]:
    """The config of a functional model whose ``layers`` are in Keras 3's form already, except for their calls."""
    kinds = {layer["name"]: layer["class_name"] for layer in config["layers"]}
    shifts = {name: int(kind in _MODELS) for name, kind in kinds.items()}
    layers = [layer | {"inbound_nodes": [_call(node, layer["class_name"], shifts) for node in layer["inbound_nodes"]]}
              for layer in config["layers"]]  # fmt: skip
    # Keras 3 itself subtracts the call of a nested functional model from the references of the outputs.
    from_outputs = {name: int(kind == "Sequential") for name, kind in kinds.items()}
    return dict(config) | {
        "layers": layers,
        "input_layers": _moved(config["input_layers"], shifts),
        "output_layers": _moved(config["output_layers"], from_outputs),
    }


def _moved(ends: Any, shifts: Shifts) -> Any:
    if _is_reference(ends, shifts):
        return [ends[0], max(0, ends[1] - shifts[ends[0]]), ends[2]]
    if isinstance(ends, Mapping):
        return {key: _moved(value, shifts) for key, value in ends.items()}
    return [_moved(each, shifts) for each in ends]


def _is_reference(value: Any, shifts: Shifts) -> bool:
    """``[layer, call, output]``, and in a call also the keywords of it."""
    if not isinstance(value, list) or len(value) not in {3, 4} or not isinstance(value[0], str):
        return False
    return (value[0] in shifts and all(isinstance(each, int) for each in value[1:3])) or value[0] == _CONSTANT


def _call(node: Any, kind: str, shifts: Shifts) -> dict[str, Any]:
    """One call: its first argument is what ``node`` lists, the keywords stand in each entry of it."""
    if isinstance(node, Mapping) and "args" in node:
        return dict(node)  # written in this form already
    keywords: dict[str, Any] = {}
    first = _argument(node, shifts, keywords)
    if isinstance(first, list) and len(first) == 1 and isinstance(node[0], list):
        first = first[0]
    made = {name: _keyword(value, shifts) for name, value in keywords.items()}
    if kind in _RECURRENT and isinstance(first, list):
        first, made = first[0], made | {"initial_state": first[1:]}
    return {"args": [first], "kwargs": made}


def _argument(value: Any, shifts: Shifts, keywords: dict[str, Any]) -> Any:
    if _is_reference(value, shifts):
        keywords.update(value[3] if len(value) == 4 else {})
        return _tensor(value, shifts)
    if isinstance(value, Mapping):
        return {key: _argument(each, shifts, keywords) for key, each in value.items()}
    return [_argument(each, shifts, keywords) for each in value] if isinstance(value, list) else value


def _keyword(value: Any, shifts: Shifts) -> Any:
    if _is_reference(value, shifts) and len(value) == 3:
        return _tensor(value, shifts)
    if isinstance(value, Mapping):
        return {key: _keyword(each, shifts) for key, each in value.items()}
    return [_keyword(each, shifts) for each in value] if isinstance(value, list) else value


def _tensor(reference: Sequence[Any], shifts: Shifts) -> Any:
    """The constant, or a mark for the tensor; Keras looks only at its history."""
    name, call, output = reference[:3]
    if name == _CONSTANT:
        return output
    history = [name, max(0, call - shifts[name]), output]
    return {"class_name": "__keras_tensor__",
            "config": {"shape": [1], "dtype": "float32", "keras_history": history}}  # fmt: skip
