"""The outputs of a forward: the tensors and numbers of its result, each with a name."""

from __future__ import annotations

import dataclasses
import inspect
from typing import TYPE_CHECKING, Any

from ...errors import ParityGateError
from ..names import unique
from .tensors import path_name, to_array

if TYPE_CHECKING:
    from ...signature import Array

_SELF = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)


def named_outputs(result: Any) -> dict[str, Any]:
    """Tensors and numbers of a forward's result by name, None dropped.

    Raises ParityGateError PG404 for a result that holds anything else.
    """
    import torch

    register_containers(result)
    outputs = output_names(result)
    for name, value in outputs.items():
        if not isinstance(value, (torch.Tensor, *_dtypes())):
            kind = f"{type(value).__module__}.{type(value).__qualname__}"
            raise ParityGateError(
                "PG404", f"output '{name}'", f"forward returns a {kind}, which is neither a tensor nor a container",
                "Return tensors, tuples, dicts or dataclasses of tensors; a transformers model may need "
                "config.use_cache = False.",
            )  # fmt: skip
    return outputs


def output_names(result: Any) -> dict[str, Any]:
    """The leaves of a result by name, None dropped.

    Names come from the keys of dicts and the fields of dataclasses and named tuples; a single value is ``output``,
    the i-th of a tuple ``output_i``.
    """
    leaves = output_paths(result)
    names = unique((output_name(path) for path, _ in leaves), first=2)
    return dict(zip(names, (value for _, value in leaves), strict=True))


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


def number_as_tensor(value: Any) -> Any:
    """An output as a tensor: a Python number, or the symbol of one, becomes one without axes, as wide as numpy's."""
    import torch

    if isinstance(value, torch.Tensor):
        return value
    return torch.tensor(value, dtype=_dtypes()[type(value)])


def _dtypes() -> dict[type, Any]:
    import torch

    plain = {bool: torch.bool, int: torch.int64, float: torch.float64}
    return {**plain, torch.SymBool: torch.bool, torch.SymInt: torch.int64, torch.SymFloat: torch.float64}


def with_tensors_only(module: Any) -> Any:
    """A module whose forward returns tensors in the places of Python numbers, which a program would fix."""
    import torch
    from torch.utils import _pytree

    class TensorsOnly(torch.nn.Module):  # type: ignore[misc]  # PyTorch is not seen by the type checker
        """The module, its numbers as tensors."""

        def __init__(self) -> None:
            super().__init__()
            self.inner = module

        def forward(self, *args: Any, **kwargs: Any) -> Any:
            """As the module's own."""
            result = self.inner(*args, **kwargs)
            register_containers(result)
            return _pytree.tree_map_only(tuple(_dtypes()), number_as_tensor, result)

    own = inspect.signature(module.forward)  # torch.export finds the axes of an argument by its name
    shown = own.replace(parameters=[_SELF, *own.parameters.values()])
    TensorsOnly.forward.__signature__ = shown  # type: ignore[attr-defined]  # what inspect looks for
    return TensorsOnly()


def register_containers(result: Any) -> None:
    """Make the dataclasses and caches in a result known to PyTorch's pytrees, here and for torch.export."""
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
