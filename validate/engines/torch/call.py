"""One call of a module's forward: which of its values are the model's inputs, and which are constants."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..names import unique
from .outputs import register_containers
from .tensors import argument_name, path_name, to_tensor

if TYPE_CHECKING:
    from ...signature import Feed


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value of a call: an input (``value`` is an example tensor) or, with ``name`` None, a constant.

    ``number`` says that forward takes the input as a Python number.
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
        return self.unflatten([leaf.take(feed) for leaf in self.leaves])

    def example(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """(args, kwargs) with the example values."""
        return self.unflatten([leaf.argument for leaf in self.leaves])

    def with_values(self, change: Callable[[str, Any], Any]) -> Call:
        """The same call with each input's example replaced by ``change(name, example)``."""
        leaves = (
            leaf if leaf.name is None else replace(leaf, value=change(leaf.name, leaf.value)) for leaf in self.leaves
        )
        return replace(self, leaves=tuple(leaves))

    def unflatten(self, values: list[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """(args, kwargs) with these values in the places of the leaves."""
        from torch.utils import _pytree

        args, kwargs = _pytree.tree_unflatten(values, self.spec)
        return tuple(args), kwargs


def make_call(args: tuple[Any, ...], kwargs: Mapping[str, Any], names: tuple[str, ...]) -> Call:
    """Flatten a call: tensors become inputs, everything else is constant.

    ``names`` are the names of the positional parameters.
    """
    import torch
    from torch.utils import _pytree

    register_containers((args, dict(kwargs)))
    paths, spec = _pytree.tree_flatten_with_path((args, dict(kwargs)))
    tensors = [isinstance(value, torch.Tensor) for _, value in paths]
    inputs = (path for (path, _), tensor in zip(paths, tensors, strict=True) if tensor)
    labels = iter(unique((argument_name(path, names) or path_name(path[1:]) for path in inputs), first=2))
    leaves = (Leaf(next(labels) if tensor else None, value) for (_, value), tensor in zip(paths, tensors, strict=True))
    return Call(tuple(leaves), spec)


@contextmanager
def inference(module: Any) -> Iterator[None]:
    """Evaluation mode without gradients; afterwards every submodule is back in its own mode."""
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
