"""From sample arrays to a call of a module's forward: which array belongs to which argument."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ...errors import ParityGateError
from .call import Call, make_call
from .tensors import to_tensor

_UNNAMED = re.compile(r"input_\d+")  # the names that arrays get in samples from a file without names
_NAMED = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def bind_example(subject: str, forward: Callable[..., Any], example: Mapping[str, Any]) -> Call:
    """The call that gives ``forward`` the values of ``example`` by name. Raises ParityGateError PG206."""
    parameters = {name: each for name, each in inspect.signature(forward).parameters.items() if each.kind in _NAMED}
    takes_any = any(each.kind is each.VAR_KEYWORD for each in inspect.signature(forward).parameters.values())
    given = bind_unnamed(example, list(parameters))
    unknown = [name for name in given if name not in parameters]
    if unknown and not takes_any:
        raise inputs_not_known(subject, forward, f"its forward has no argument {', '.join(unknown)}")
    missing = [name for name, each in parameters.items() if each.default is each.empty and name not in given]
    if missing or not given:
        raise inputs_not_known(subject, forward, f"not declared: {', '.join(missing) or 'its inputs'}")
    values = {name: _as_value(given[name]) for name in (*parameters, *unknown) if name in given}
    leading = tuple(_leading(parameters, values))
    keywords = {name: value for name, value in values.items() if name not in leading}
    return make_call(tuple(values[name] for name in leading), keywords, leading)


def bind_unnamed(example: Mapping[str, Any], arguments: Sequence[str]) -> dict[str, Any]:
    """Samples from a file without names (``input_0``, ...) under the names of forward's arguments, in order."""
    nameless = all(_UNNAMED.fullmatch(name) and name not in arguments for name in example)
    if nameless and len(example) <= len(arguments):
        return dict(zip(arguments, example.values(), strict=False))
    return dict(example)


def _leading(parameters: Mapping[str, inspect.Parameter], values: Mapping[str, Any]) -> Iterator[str]:
    """Parameters to pass by position, as users do: forward pre-hooks see only those."""
    for name, parameter in parameters.items():
        if name not in values or parameter.kind is parameter.KEYWORD_ONLY:
            return
        yield name


def _as_value(value: Any) -> Any:
    import numpy as np

    return to_tensor(np.asarray(value)) if isinstance(value, np.ndarray | np.generic) else value


def inputs_not_known(subject: str, forward: Callable[..., Any], cause: str) -> ParityGateError:
    """The error (PG206) that names forward's arguments and shows the option that declares them."""
    signature = inspect.signature(forward)
    names = [name for name, each in signature.parameters.items() if each.kind in _NAMED]
    first = names[0] if names else "x"
    return ParityGateError(
        "PG206", subject, f"{cause}; its signature is forward({', '.join(map(_short, signature.parameters.values()))})",
        f"Declare each input, such as --input {first}:float32:batch,3,224,224, or give --samples with named arrays. "
        f"In Python: example={{'{first}': array}}.",
    )  # fmt: skip


def _short(parameter: inspect.Parameter) -> str:
    return str(parameter.replace(annotation=inspect.Parameter.empty))
