"""TensorFlow's tensors and nested structures as arrays, specs and flat names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ...errors import ParityGateError
from ...signature import STRING, TensorSpec

if TYPE_CHECKING:
    from ...signature import Array
    from ..base import LoadOptions

BATCH = "batch"
"""The symbolic name of a dynamic first axis."""

Path = tuple[str | int, ...]
"""The place of a leaf in a nested structure: keys and positions from the outside in."""


def describe(name: str, dtype: Any, shape: Any) -> TensorSpec:
    """A spec from a ``tf.DType`` and a shape (``tf.TensorShape`` or a sequence with None for dynamic axes).

    A dynamic axis 0 is named "batch", any other one "<name>_<axis>". Raises PG402 for a dtype that holds neither
    numbers nor text (resource, variant).
    """
    return TensorSpec(name, dtype_name(name, dtype), symbolic(name, shape))


def dtype_name(name: str, dtype: Any) -> str:
    """The numpy name of a ``tf.DType``; text is :data:`STRING`. Raises PG402 for resources and variants."""
    import tensorflow as tf

    if dtype == tf.string:
        return STRING
    if dtype in (tf.resource, tf.variant):
        raise ParityGateError("PG402", name, f"it is a {dtype.name}, not a tensor of numbers or text")
    return str(dtype.as_numpy_dtype().dtype.name)


def tf_dtype(name: str) -> Any:
    """The ``tf.DType`` of a spec's dtype."""
    import tensorflow as tf

    return tf.string if name == STRING else tf.dtypes.as_dtype(name)


def tf_shape(shape: tuple[int | str, ...] | None) -> list[int | None] | None:
    """A spec's shape as TensorFlow takes it: None for dynamic axes."""
    return None if shape is None else [dim if isinstance(dim, int) else None for dim in shape]


def declared_inputs(options: LoadOptions) -> tuple[TensorSpec, ...]:
    """The inputs that the user declared, else those of the example, with a dynamic first axis."""
    if options.inputs or options.example is None:
        return options.inputs
    return tuple(
        describe(name, tf_dtype(STRING if array.dtype.kind in "US" else array.dtype.name), _dynamic_batch(array.shape))
        for name, array in options.example.items()
    )


def _dynamic_batch(shape: tuple[int, ...]) -> list[int | None]:
    return [None, *shape[1:]] if shape else []


def symbolic(name: str, shape: Any) -> tuple[int | str, ...] | None:
    """A shape with names for its dynamic axes; None if the rank is unknown."""
    if shape is None or getattr(shape, "rank", 0) is None:
        return None
    return tuple(
        int(dim) if dim is not None else BATCH if axis == 0 else f"{name}_{axis}" for axis, dim in enumerate(shape)
    )


def to_numpy(name: str, value: Any) -> Array:
    """An output's value as an array; text as ``<U``. Raises PG406 for a ragged or sparse tensor."""
    import numpy as np
    import tensorflow as tf

    if not isinstance(value, np.ndarray | np.generic | tf.Tensor | tf.Variable):
        raise ParityGateError("PG406", name, f"the output is a {type(value).__name__}, not a dense tensor")
    array = np.asarray(value)
    if array.dtype.kind not in "OS":
        return array
    texts = [text.decode() if isinstance(text, bytes) else str(text) for text in array.ravel().tolist()]
    return np.array(texts, dtype=str).reshape(array.shape)


def leaves(structure: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """The leaves of nested mappings and sequences with their paths, in TensorFlow's order (keys sorted)."""
    if isinstance(structure, Mapping):
        for key in sorted(structure):
            yield from leaves(structure[key], (*path, key))
    elif isinstance(structure, list | tuple):
        keys = getattr(structure, "_fields", range(len(structure)))
        for key, value in zip(keys, structure, strict=True):
            yield from leaves(value, (*path, key))
    else:
        yield path, structure


def map_leaves(structure: Any, change: Callable[[Path, Any], Any], path: Path = ()) -> Any:
    """The same nested structure with each leaf replaced by ``change(path, leaf)``."""
    if isinstance(structure, Mapping):
        return {key: map_leaves(value, change, (*path, key)) for key, value in structure.items()}
    if hasattr(structure, "_fields"):
        keyed = zip(structure._fields, structure, strict=True)
        return type(structure)(*(map_leaves(value, change, (*path, key)) for key, value in keyed))
    if isinstance(structure, list | tuple):
        return type(structure)(map_leaves(value, change, (*path, index)) for index, value in enumerate(structure))
    return change(path, structure)


def path_name(path: Path, kind: str) -> str:
    """A leaf's flat name: its keys and positions joined; ``<kind>_<n>`` if its path has only positions."""
    if not any(isinstance(part, str) for part in path):
        return "_".join([kind, *map(str, path or (0,))])
    return "_".join(map(str, path))


@contextmanager
def quiet_tensorflow() -> Iterator[None]:
    """Suppress TensorFlow's deprecation warnings for functions of version 1 that have no replacement."""
    import tensorflow as tf

    logger = tf.get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        yield
    finally:
        logger.setLevel(level)


def check_dynamic(specs: Iterable[TensorSpec], dynamic: Iterable[tuple[str, int]]) -> None:
    """Raise PG201 for an axis that was requested as dynamic, but is fixed in the model."""
    shapes = {spec.name: spec.shape for spec in specs}
    for name, axis in dynamic:
        shape = shapes.get(name, ())
        if shape is not None and not (-len(shape) <= axis < len(shape) and isinstance(shape[axis], str)):
            raise ParityGateError(
                "PG201",
                f"{name}:{axis}",
                f"the model fixes this axis: the shape of {name} is {list(shape)}",
                "Export the model with this axis dynamic.",
            )
