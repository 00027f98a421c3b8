"""The config of a model that Keras 1 or 2 wrote, in the form of Keras 3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....errors import ParityGateError
from .activations import modern_activation
from .arguments import modern_arguments
from .merge import modern_merge
from .nodes import modern_graph
from .operators import OPERATOR_LAYERS, function_named
from .words import CLASSES, GONE, IMPLIED

MODELS = ("Model", "Sequential")

_NESTED = ("layer", "backward_layer", "forward_layer", "cell")
_NESTED_LISTS = ("cells",)
_OF_LAMBDA = ("name", "function", "arguments", "trainable")
_ACTIVATIONS = ("activation", "inner_activation", "recurrent_activation")


def modern_model(saved: Mapping[str, Any]) -> dict[str, Any]:
    """A serialised model of Keras 1 or 2 in the form that ``keras.saving.deserialize_keras_object`` takes.

    Raises ParityGateError PG402 that names a layer or an argument that Keras 3 lacks.
    """
    return _modern(saved)


def _modern(saved: Mapping[str, Any]) -> dict[str, Any]:
    kind = str(saved["class_name"])
    kind = CLASSES.get(kind, kind)
    if kind in GONE:
        raise ParityGateError("PG402", f"layer {_name(saved)}", f"it is a {kind}: {GONE[kind]}")
    if kind in MODELS:
        made = _functional(saved) if kind == "Model" else _sequential(saved)
    else:
        made = _layer(kind, saved)
    return made | {key: saved[key] for key in ("name", "inbound_nodes") if key in saved}


def _name(saved: Mapping[str, Any]) -> str:
    config = saved.get("config")
    return str(config.get("name", "?") if isinstance(config, Mapping) else saved.get("name", "?"))


def _serialised(module: str | None, kind: str, config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "module": module,
        "class_name": kind,
        "config": dict(config),
        "registered_name": None if module else kind,
    }


def _functional(saved: Mapping[str, Any]) -> dict[str, Any]:
    config = {key: value for key, value in saved["config"].items() if key != "dtype"}
    graph = modern_graph(config | {"layers": [_modern(layer) for layer in config["layers"]]})
    return _serialised("keras", "Model", graph)


def _sequential(saved: Mapping[str, Any]) -> dict[str, Any]:
    """Before Keras 2.2.3, the config was the list of layers; the first of them has the shape of the input."""
    config = saved["config"]
    config = {"name": saved.get("name", "sequential"), "layers": config} if isinstance(config, list) else config
    layers = [_modern(layer) for layer in config["layers"]]
    if config["layers"] and layers[0]["class_name"] != "InputLayer":
        layers = [*_input_of(config["layers"][0]), *layers]
    kept = {key: config[key] for key in ("name", "build_input_shape") if key in config}
    return _serialised("keras", "Sequential", kept | {"layers": layers})


def _input_of(first: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The InputLayer that the first layer of a Sequential model implies; none if it says no shape."""
    config = first["config"]
    if not isinstance(config, Mapping):
        return []
    shape = config.get("batch_input_shape")
    if shape is None and "layer" in config:
        return _input_of(config["layer"])
    if shape is None:
        return []
    given = config.get("input_dtype") or config.get("dtype")
    dtype = given if isinstance(given, str) and "_" not in given else "float32"
    return [_serialised("keras.layers", "InputLayer", {"batch_shape": shape, "dtype": dtype,
                                                       "name": f"{config['name']}_input"})]  # fmt: skip


def _layer(kind: str, saved: Mapping[str, Any]) -> dict[str, Any]:
    import keras

    config = IMPLIED.get(str(saved["class_name"]), {}) | dict(saved["config"])
    if kind in OPERATOR_LAYERS:
        function_named(config["function"])  # checked here, where an error names the layer
        return _serialised(None, kind, {key: config[key] for key in ("name", "function")})
    if kind == "Merge":
        kind, config = modern_merge(config)
    if kind == "Lambda":
        config = _lambda(config)
    for key in _NESTED:
        if isinstance(config.get(key), Mapping):
            config[key] = _modern(config[key])
    for key in _NESTED_LISTS:
        if isinstance(config.get(key), list):
            config[key] = [_modern(each) for each in config[key]]
    for key in _ACTIVATIONS:
        if key in config:
            config[key] = modern_activation(config[key])
    if not hasattr(keras.layers, kind):
        registered = saved.get("registered_name") or kind
        return _serialised(None, kind, config) | {"registered_name": registered}  # the user's own class
    return _serialised("keras.layers", kind, modern_arguments(kind, config))


def _lambda(config: Mapping[str, Any]) -> dict[str, Any]:
    """A Lambda's code in the form by which Keras 3 recognises it: it refuses it unless the user trusts the file."""
    kept = {key: config[key] for key in _OF_LAMBDA if key in config}
    function = config.get("function")
    if isinstance(function, list):
        code, defaults, closure = function
        inner = {"code": code, "defaults": defaults, "closure": closure}
        kept["function"] = {"class_name": "__lambda__", "config": inner}
    return kept
