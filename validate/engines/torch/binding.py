"""From sample arrays to a call of a module's forward: which array belongs to which argument."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...errors import ParityGateError
from .arguments import argument_forms, nested
from .call import Call, make_call
from .outputs import register_containers
from .tensors import to_tensor

if TYPE_CHECKING:
    from ...options import LoadOptions
    from ...signature import Dim

_UNNAMED = re.compile(r"input_\d+")  # the names that arrays get in samples from a file without names
_NAMED = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def bind_example(subject: str, forward: Callable[..., Any], example: Mapping[str, Any], sequence: type = tuple) -> Call:
    """The call that gives ``forward`` the values of ``example`` by name; a part of a container is ``a.0`` or ``a.key``.

    ``sequence`` is what places are made of where no annotation says it. Raises ParityGateError PG206 for names that
    forward doesn't have or that are missing, PG201 for parts that don't make a whole.
    """
    parameters = {name: each for name, each in inspect.signature(forward).parameters.items() if each.kind in _NAMED}
    takes_any = any(each.kind is each.VAR_KEYWORD for each in inspect.signature(forward).parameters.values())
    flat = bind_unnamed(example, list(parameters))
    given = nested(subject, flat, parameters, argument_forms(forward, sequence))
    unknown = [name for name in given if name not in parameters]
    if unknown and not takes_any:
        raise inputs_not_known(subject, forward, f"its forward has no argument {', '.join(unknown)}")
    missing = [name for name, each in parameters.items() if each.default is each.empty and name not in given]
    if missing or not given:
        raise inputs_not_known(subject, forward, f"not declared: {', '.join(missing) or 'its inputs'}")
    values = {name: as_values(given[name]) for name in (*parameters, *unknown) if name in given}
    leading = tuple(_leading(parameters, values))
    keywords = {name: value for name, value in values.items() if name not in leading}
    return make_call(tuple(values[name] for name in leading), keywords, leading)


def declared_only(example: Mapping[str, Any], options: LoadOptions) -> dict[str, Any]:
    """The user's first sample as the declared inputs want it, with the arguments that stay the same.

    Arrays without names get those of the declared inputs, in order; others than these are left out, unless some
    declared one is missing; and of a table's rows as many are taken as an input is declared to have.
    """
    sizes = {spec.name: spec.shape for spec in options.inputs}
    if len(sizes) == len(example) and all(_UNNAMED.fullmatch(name) and name not in sizes for name in example):
        example = dict(zip(sizes, example.values(), strict=True))
    if sizes and sizes.keys() <= example.keys():
        example = {name: _rows(value, sizes[name]) for name, value in example.items() if name in sizes}
    return {**example, **options.constants}


def _rows(value: Any, shape: tuple[Dim, ...] | None) -> Any:
    count = shape[0] if shape else None
    return value[:count] if isinstance(count, int) and len(value) > count else value


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


def as_values(value: Any) -> Any:
    """A value of the user's with every array in it as a tensor."""
    import numpy as np
    from torch.utils import _pytree

    register_containers(value)
    return _pytree.tree_map_only((np.ndarray, np.generic), lambda array: to_tensor(np.asarray(array)), value)


def inputs_not_known(subject: str, forward: Callable[..., Any], cause: str) -> ParityGateError:
    """The error (PG206) that names forward's arguments and shows the option that declares them."""
    signature = inspect.signature(forward)
    names = [name for name, each in signature.parameters.items() if each.kind in _NAMED]
    first = names[0] if names else "x"
    return ParityGateError(
        "PG206", subject, f"{cause}; its signature is forward({', '.join(map(_short, signature.parameters.values()))})",
        f"Declare each input, such as --input {first}:float32:batch,3,224,224, or give --samples with named arrays. A "
        f"part of a tuple, list or dictionary is {first}.0 or {first}.key; --input {first}=3 is a value that stays the "
        f"same. In Python: example={{'{first}': array}}.",
    )  # fmt: skip


def _short(parameter: inspect.Parameter) -> str:
    return str(parameter.replace(annotation=inspect.Parameter.empty))
