"""One call of a module's forward: which values of it are the model's inputs, and what its result is called."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ...errors import ParityGateError
from .common import path_name, to_array, to_tensor, unique

if TYPE_CHECKING:
    from ...signature import Array, Feed

_UNNAMED = re.compile(r"input_\d+")  # what samples from a file without names are called
_NAMED = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value of a call: an input (``value`` is an example tensor) or, with ``name`` None, a constant.

    ``number`` says that forward wants the input as a Python number.
    """

    name: str | None
    value: Any
    number: bool = False

    @property
    def argument(self) -> Any:
        """The example as forward takes it."""
        return self.value.item() if self.number else self.value

    def take(self, feed: Feed) -> Any:
        """The value for one feed."""
        if self.name is None:
            return self.value
        array = feed[self.name]
        return array.item() if self.number else to_tensor(array)


@dataclass(frozen=True, slots=True)
class Call:
    """Arguments of a forward, flattened: ``spec`` is the pytree of (args, kwargs) that the leaves' values fill."""

    leaves: tuple[Leaf, ...]
    spec: Any

    @property
    def inputs(self) -> tuple[tuple[str, Any], ...]:
        """(name, example) of every input of the model."""
        return tuple((leaf.name, leaf.value) for leaf in self.leaves if leaf.name is not None)

    def fill(self, feed: Feed) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """(args, kwargs) for one feed."""
        return self._unflatten([leaf.take(feed) for leaf in self.leaves])

    def example(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """(args, kwargs) with the example values."""
        return self._unflatten([leaf.argument for leaf in self.leaves])

    def with_values(self, change: Callable[[str, Any], Any]) -> Call:
        """The same call with each input's example replaced by what ``change`` makes of (name, example)."""
        leaves = (
            leaf if leaf.name is None else replace(leaf, value=change(leaf.name, leaf.value)) for leaf in self.leaves
        )
        return replace(self, leaves=tuple(leaves))

    def _unflatten(self, values: list[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        from torch.utils import _pytree

        args, kwargs = _pytree.tree_unflatten(values, self.spec)
        return tuple(args), kwargs


def make_call(args: tuple[Any, ...], kwargs: Mapping[str, Any], names: tuple[str, ...]) -> Call:
    """Flatten a call. ``names`` are the positional parameters' names; tensors become inputs, all else is constant."""
    import torch
    from torch.utils import _pytree

    paths, spec = _pytree.tree_flatten_with_path((args, dict(kwargs)))
    tensors = [isinstance(value, torch.Tensor) for _, value in paths]
    labels = iter(unique(_label(path, names) for (path, _), tensor in zip(paths, tensors, strict=True) if tensor))
    leaves = (Leaf(next(labels) if tensor else None, value) for (_, value), tensor in zip(paths, tensors, strict=True))
    return Call(tuple(leaves), spec)


def _label(path: tuple[Any, ...], names: tuple[str, ...]) -> str:
    """(0, i, ...) is the i-th positional argument, (1, key, ...) a keyword argument."""
    side, first, *rest = path
    head = names[first.idx] if side.idx == 0 and first.idx < len(names) else path_name([first])
    return "_".join([str(head), *([path_name(rest)] if rest else [])])


def bind_example(subject: str, forward: Callable[..., Any], example: Mapping[str, Any]) -> Call:
    """The call that gives ``forward`` the values of ``example`` by name. Raises ParityGateError PG206."""
    parameters = {name: each for name, each in inspect.signature(forward).parameters.items() if each.kind in _NAMED}
    takes_any = any(each.kind is each.VAR_KEYWORD for each in inspect.signature(forward).parameters.values())
    given = _renamed(example, list(parameters))
    unknown = [name for name in given if name not in parameters]
    if unknown and not takes_any:
        raise not_known(subject, forward, f"its forward has no argument {', '.join(unknown)}")
    missing = [name for name, each in parameters.items() if each.default is each.empty and name not in given]
    if missing or not given:
        raise not_known(subject, forward, f"nothing is said about {', '.join(missing) or 'its inputs'}")
    values = {name: _as_value(given[name]) for name in (*parameters, *unknown) if name in given}
    leading = tuple(_leading(parameters, values))
    keywords = {name: value for name, value in values.items() if name not in leading}
    return make_call(tuple(values[name] for name in leading), keywords, leading)


def _renamed(example: Mapping[str, Any], parameters: list[str]) -> dict[str, Any]:
    """Samples from a file without names are bound in the order of forward's parameters."""
    nameless = all(_UNNAMED.fullmatch(name) and name not in parameters for name in example)
    if nameless and len(example) <= len(parameters):
        return dict(zip(parameters, example.values(), strict=False))
    return dict(example)


def _leading(parameters: Mapping[str, inspect.Parameter], values: Mapping[str, Any]) -> Iterator[str]:
    """Parameters to give by position, as people do: forward pre-hooks see only those."""
    for name, parameter in parameters.items():
        if name not in values or parameter.kind is parameter.KEYWORD_ONLY:
            return
        yield name


def _as_value(value: Any) -> Any:
    import numpy as np

    return to_tensor(np.asarray(value)) if isinstance(value, np.ndarray | np.generic) else value


def not_known(subject: str, forward: Callable[..., Any], cause: str) -> ParityGateError:
    """The error (PG206) that names forward's arguments and shows the option that declares them."""
    signature = inspect.signature(forward)
    names = [name for name, each in signature.parameters.items() if each.kind in _NAMED]
    first = names[0] if names else "x"
    return ParityGateError(
        "PG206", subject, f"{cause}; it takes forward({', '.join(map(_short, signature.parameters.values()))})",
        f"Declare each input, such as --input {first}:float32:batch,3,224,224, or give --samples with named arrays. "
        f"In Python: example={{'{first}': array}}.",
    )  # fmt: skip


def _short(parameter: inspect.Parameter) -> str:
    return str(parameter.replace(annotation=inspect.Parameter.empty))


def named_outputs(result: Any) -> dict[str, Any]:
    """Tensors and numbers of a forward's result by name, None dropped.

    Raises ParityGateError PG404 for a result that holds anything else.
    """
    import torch

    register_containers(result)
    outputs = output_names(result)
    for name, value in outputs.items():
        if not isinstance(value, torch.Tensor | int | float):
            kind = f"{type(value).__module__}.{type(value).__qualname__}"
            raise ParityGateError(
                "PG404", f"output '{name}'", f"forward returns a {kind} there, which is neither tensor nor container",
                "Return tensors, tuples, dicts or dataclasses of tensors; a transformers model may need "
                "config.use_cache = False.",
            )  # fmt: skip
    return outputs


def output_names(result: Any) -> dict[str, Any]:
    """The leaves of a result by name, None dropped.

    Keys of dicts, fields of dataclasses and named tuples give the names; a single value is ``output``, the i-th of a
    tuple ``output_i``.
    """
    leaves = output_paths(result)
    return dict(zip(unique(output_name(path) for path, _ in leaves), (value for _, value in leaves), strict=True))


def output_paths(result: Any) -> list[tuple[tuple[Any, ...], Any]]:
    """(path, leaf) for every leaf of a result that isn't None."""
    from torch.utils import _pytree

    return [(path, value) for path, value in _pytree.tree_flatten_with_path(result)[0] if value is not None]


def output_name(path: tuple[Any, ...]) -> str:
    """The name of the output at a pytree path."""
    from torch.utils._pytree import SequenceKey

    if not path:
        return "output"
    return path_name(path) if not isinstance(path[0], SequenceKey) else f"output_{path_name(path)}"


def output_array(name: str, value: Any) -> Array:
    """An output as an array; a Python number becomes an array without axes."""
    import numpy as np

    return np.array(value) if isinstance(value, bool | int | float) else to_array(name, value)


def register_containers(result: Any) -> None:
    """Teach PyTorch's pytrees the dataclasses and caches in a result, so that they flatten here and when exported."""
    from torch.utils import _pytree

    if any(_register(value) for value in _pytree.tree_leaves(result)):
        register_containers(result)


def _register(value: Any) -> bool:
    import torch

    kind = type(value)
    if dataclasses.is_dataclass(kind):
        torch.export.register_dataclass(kind)
        return True
    if (kind.__module__, kind.__name__) == ("transformers.cache_utils", "DynamicCache"):
        from transformers.integrations.executorch import register_dynamic_cache_export_support

        register_dynamic_cache_export_support()
        return True
    return False


@contextmanager
def inference(module: Any) -> Iterator[None]:
    """Evaluation mode and no gradients for a while; every submodule gets its own mode back."""
    import torch

    modes = [(each, each.training) for each in module.modules()] if isinstance(module, torch.nn.Module) else []
    training = any(mode for _, mode in modes)
    try:
        if training:
            module.eval()
        with torch.no_grad():
            yield
    finally:
        for each, mode in modes if training else ():
            each.training = mode
