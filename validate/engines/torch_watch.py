"""Which integer inputs look up rows of a table (an embedding), seen during one run: those must stay inside of it."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from ..signature import Hint
from .torch_call import Call

_COPIES = {"_to_copy", "clone", "contiguous", "expand", "repeat", "index", "masked_fill", "clamp"}
_LOOKUPS = {"embedding", "embedding_bag", "_embedding_bag", "_embedding_bag_forward_only"}  # (table, indices, ...)


class IndexWatch(TorchDispatchMode):  # type: ignore[misc]  # PyTorch is not seen by the type checker
    """Follows integer inputs through casts and copies (views share their memory) to the tables that they index."""

    def __init__(self, inputs: dict[str, Any]) -> None:
        super().__init__()
        self._owners = {_key(value): name for name, value in inputs.items() if _is_integer(value)}
        self._kept: list[Any] = list(inputs.values())
        self.limits: dict[str, int] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operator, and note what it says about an input."""
        result = func(*args, **(kwargs or {}))
        name = func.__name__.split(".")[0]
        if name in _COPIES and isinstance(result, torch.Tensor):
            self._follow(args[0], result)
        if name in _LOOKUPS:
            self._note(table=args[0], indices=args[1])
        return result

    def _follow(self, source: Any, result: Any) -> None:
        owner = self._owners.get(_key(source)) if _is_integer(source) else None
        if owner is not None and _is_integer(result):
            self._owners[_key(result)] = owner
            self._kept.append(result)  # or its memory, by which it is known, might be given to another tensor

    def _note(self, table: Any, indices: Any) -> None:
        owner = self._owners.get(_key(indices))
        if owner is not None:
            self.limits[owner] = min(table.shape[0], self.limits.get(owner, table.shape[0]))


def _is_integer(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and not value.is_floating_point() and not value.is_complex()


def _key(value: Any) -> int:
    return int(value.untyped_storage().data_ptr())


def index_hints(watch: IndexWatch) -> tuple[Hint, ...]:
    """Bounds from 0 to the last row of the smallest table that each input indexes."""
    import numpy as np

    return tuple(Hint(name, low=np.array(0), high=np.array(rows - 1)) for name, rows in watch.limits.items())


def watched(call: Call) -> IndexWatch:
    """A watch over the example inputs of a call."""
    return IndexWatch(dict(call.inputs))
