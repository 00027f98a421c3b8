"""PyTorch's tensors as arrays and back, and the names of values in nested structures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...errors import ParityGateError

if TYPE_CHECKING:
    from ...signature import Array


def to_tensor(array: Array) -> Any:
    """A tensor with a copy of the array: a model that works in place must not change the samples."""
    import torch

    return torch.tensor(array)


def to_array(name: str, tensor: Any) -> Array:
    """A copy of an output as an array, shape and dtype kept.

    Raises ParityGateError PG406 for a dtype that numpy doesn't have.
    """
    import numpy as np

    dense = tensor.detach().cpu()
    try:
        return np.array(dense.resolve_conj().resolve_neg().numpy())
    except (TypeError, RuntimeError) as error:
        raise ParityGateError(
            "PG406",
            f"output '{name}'",
            f"numpy can't hold a tensor of {dense.dtype}, {dense.layout}",
            "Let the module return dense tensors; convert bfloat16 with module.float() first.",
        ) from error


def state_arrays(native: Any) -> dict[str, Array]:
    """The floating parameters and buffers of a module or an exported program; bfloat16 as float32, which holds it."""
    import torch

    state = native.state_dict
    tensors = dict(state() if callable(state) else state) | dict(getattr(native, "constants", {}))
    floating = {
        name: tensor for name, tensor in tensors.items() if torch.is_tensor(tensor) and tensor.is_floating_point()
    }
    wide = {n: t.float() if t.dtype is torch.bfloat16 else t for n, t in floating.items()}
    return {name: tensor.detach().cpu().numpy() for name, tensor in wide.items() if not tensor.is_sparse}


def shape_of(value: Any) -> tuple[Any, ...]:
    """The sizes of a tensor, symbols among them if it was traced; a number has none."""
    return tuple(value.shape) if hasattr(value, "shape") else ()


def dtype_name(dtype: Any) -> str:
    """``torch.float32`` -> ``float32``: PyTorch's names are numpy's."""
    return str(dtype).removeprefix("torch.")


def path_name(keys: Sequence[Any]) -> str:
    """A pytree path as a name: ``past_key_values``, ``key_cache``, 0 -> ``past_key_values.key_cache.0``."""
    return ".".join(str(_key(key)) for key in keys)


def argument_name(path: Sequence[Any], positional: Sequence[str]) -> str:
    """The name of a value of a call at its pytree path, "" for a positional argument whose name isn't known.

    (0, i, ...) leads into the i-th positional argument, (1, key, ...) into a keyword argument.
    """
    side, first, *rest = path
    if side.idx == 0:
        if first.idx >= len(positional):
            return ""
        return ".".join([positional[first.idx], *([path_name(rest)] if rest else [])])
    return path_name([first, *rest])


def _key(key: Any) -> Any:
    for attribute in ("key", "name", "idx"):
        if hasattr(key, attribute):
            return getattr(key, attribute)
    return key
