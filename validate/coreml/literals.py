"""MIL.proto's types and values, decoded."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .bind import TensorType
from .dtypes import ELEMENT_TYPES, ElementType, unpack_bits
from .errors import damaged, unsupported
from .files.proto import Message
from .files.weights import Blobs
from .graph import Shape

if TYPE_CHECKING:
    from ..signature import Array

_MAX_ELEMENTS = 1 << 40


def element_type(number: int, where: str) -> ElementType:
    """The entry for one of MIL.proto's data types. Raises PG404 for a type that no operator accepts."""
    if number not in ELEMENT_TYPES:
        raise unsupported(where, f"MIL data type {number} is not supported")
    return ELEMENT_TYPES[number]


def tensor_type(value_type: Message, where: str) -> TensorType:
    """The declared type of a value. A list is the dense tensor of its elements, stacked; a state has its wrapped type.

    A dictionary (only ``classify`` returns one) is represented by its values.
    """
    kind = value_type.WhichOneof("type")
    if kind == "stateType":
        return tensor_type(value_type.stateType.wrappedType, where)
    if kind == "listType":
        element = tensor_type(value_type.listType.type, where)
        # The declared length is the initial one; writing past the end extends a list.
        return TensorType(element.dtype, None if element.shape is None else (None, *element.shape))
    if kind == "dictionaryType":
        return TensorType(np.dtype("float32"), None)
    if kind != "tensorType":
        raise unsupported(where, f"a value of type {kind} is not supported")
    tensor = value_type.tensorType
    return TensorType(element_type(tensor.dataType, where).dtype, _shape(tensor, where))


def _shape(tensor: Message, where: str) -> Shape | None:
    if tensor.rank < 0 or any(d.unknown.variadic for d in tensor.dimensions):
        return None
    if tensor.rank != len(tensor.dimensions):
        raise damaged(where, f"a type of rank {tensor.rank} declares {len(tensor.dimensions)} dimensions")
    return tuple(_dimension(d) for d in tensor.dimensions)


def _dimension(dimension: Message) -> int | None:
    return int(dimension.constant.size) if dimension.WhichOneof("dimension") == "constant" else None


def decode(value: Message, blobs: Blobs, where: str) -> Array:
    """The content of a constant as an array: from the specification itself, or mapped from the weight file.

    A list of strings or integers becomes a vector. Raises PG402 when content and declared type disagree.
    """
    if value.WhichOneof("value") == "blobFileValue":
        element, shape, count = _layout(value.type.tensorType, where)
        blob = value.blobFileValue
        return blobs.read(blob.fileName, blob.offset, element, count).reshape(shape)
    content = value.immediateValue.WhichOneof("value")
    if content == "tensor":
        return _tensor(value, where)
    if content == "list":
        return np.array([decode(v, blobs, where).item() for v in value.immediateValue.list.values])
    raise unsupported(where, f"a constant of kind {content} is not supported")


def _layout(tensor: Message, where: str) -> tuple[ElementType, tuple[int, ...], int]:
    shape = _shape(tensor, where)
    if shape is None or None in shape:
        raise damaged(where, "a constant's shape must be fixed")
    fixed = tuple(d for d in shape if d is not None)
    count = math.prod(fixed)
    if count > _MAX_ELEMENTS:
        raise damaged(where, f"a constant of shape {fixed} is implausibly large")
    return element_type(tensor.dataType, where), fixed, count


def _tensor(value: Message, where: str) -> Array:
    element, shape, count = _layout(value.type.tensorType, where)
    tensor = value.immediateValue.tensor
    kind = tensor.WhichOneof("value")
    if kind == "bytes":
        flat = _from_bytes(tensor.bytes.values, element, count, where)
    else:
        flat = _from_numbers(getattr(tensor, kind).values if kind else (), element)
    if flat.size != count:
        raise damaged(where, f"a constant of shape {shape} has {flat.size} elements")
    return flat.reshape(shape)


def _from_numbers(stored: Any, element: ElementType) -> Array:
    # 16-bit integers are stored as 32-bit ones; a checked numpy conversion would reject values out of range.
    wide = np.int64 if element.dtype.kind in "iu" else element.dtype
    return np.array(list(stored), wide).astype(element.dtype, copy=False)


def _from_bytes(stored: bytes, element: ElementType, count: int, where: str) -> Array:
    if len(stored) != element.bytes_for(count):
        raise damaged(where, f"{len(stored)} bytes can't hold {count} {element.name}")
    raw = np.frombuffer(stored, np.uint8)
    return unpack_bits(raw, element, count) if element.bits < 8 else raw.view(element.dtype)
