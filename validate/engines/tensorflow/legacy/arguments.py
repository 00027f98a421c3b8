"""A layer's arguments in the words of Keras 3."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from inspect import Parameter, signature
from typing import Any

from ....errors import ParityGateError
from .words import ANY, ARGUMENTS, DEFAULTS, KERNELS, NEUTRAL, OWN_ARGUMENTS, VALUES

_TRAINING_ONLY = ("_initializer", "_regularizer", "_constraint")
"""Endings of arguments that only say how weights begin and are trained: the file holds them as they became."""

_SHAPE = ("batch_input_shape", "batch_shape")


def modern_arguments(kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a layer of the class ``keras.layers.<kind>``.

    Raises ParityGateError PG402 for an argument that Keras 3 lacks and that isn't neutral at inference.
    """
    known = _known(kind)
    arguments = DEFAULTS.get(kind, {}) | _with_kernel(dict(given))
    renamed = {_renamed(kind, name, known, arguments): value for name, value in arguments.items()}
    kept = {name: _value(name, value) for name, value in renamed.items() if name in known and not _is_training(name)}
    for name in renamed.keys() - known:
        _check_neutral(kind, str(given.get("name", "?")), name, renamed[name])
    return kept


@cache
def _known(kind: str) -> frozenset[str]:
    """The arguments that the constructor takes, those that it passes on to its bases included."""
    import keras

    names: set[str] = set()
    for owner in getattr(keras.layers, kind).__mro__:
        if "__init__" not in vars(owner):
            continue
        parameters = signature(owner.__init__).parameters.values()
        names |= {
            each.name for each in parameters if each.kind not in (Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL)
        }
        if not any(each.kind is Parameter.VAR_KEYWORD for each in parameters):
            break
    return frozenset(names - {"self"})


def _is_training(name: str) -> bool:
    return name.endswith(_TRAINING_ONLY)


def _with_kernel(arguments: dict[str, Any]) -> dict[str, Any]:
    for names in KERNELS:
        if all(name in arguments for name in names):
            arguments["kernel_size"] = [arguments.pop(name) for name in names]
    return arguments


def _renamed(kind: str, name: str, known: frozenset[str], arguments: Mapping[str, Any]) -> str:
    if name in known:
        return name
    new = OWN_ARGUMENTS.get(kind, {}).get(name) or ARGUMENTS.get(name)
    return new if new in known and new not in arguments else name


def _value(name: str, value: Any) -> Any:
    if name == "dtype" and isinstance(value, Mapping):  # a policy, by its name
        return value["config"]["name"]
    if name == "axis" and isinstance(value, list) and len(value) == 1:
        return value[0]
    if isinstance(value, str):
        return VALUES.get(name, {}).get(value, value)
    return value


def _check_neutral(kind: str, layer: str, name: str, value: Any) -> None:
    if name in _SHAPE or _is_training(name):
        return
    allowed = NEUTRAL.get(name, ())
    if allowed is ANY or (isinstance(allowed, tuple) and value in allowed):
        return
    cause = f"its argument {name}={value!r} of {kind} has no equal in Keras 3"
    raise ParityGateError("PG402", f"layer {layer}", cause)
