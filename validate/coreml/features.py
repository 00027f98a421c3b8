"""A model's inputs and outputs as Core ML describes them, and their conversion to and from the graph's tensors.

Inside the graph a feature is a *slot*: one tensor, or for a dictionary a :class:`.graph.Pairs` of keys and values.
A number is a vector of length 1, an image a float tensor of shape (1, channels, height, width) in the colour order that
the model declares.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ParityGateError
from .dtypes import Dtype
from .errors import unsupported
from .files.proto import Message
from .flexibility import Flexibility, of_array, of_image
from .graph import Graph, Pairs, Shape, Slot

if TYPE_CHECKING:
    from ..signature import Array

ARRAY_DTYPES = {65568: "float32", 65600: "float64", 131104: "int32", 131080: "int8", 65552: "float16"}
"""FeatureTypes.proto's ArrayDataType."""

GRAYSCALE, RGB, BGR, GRAYSCALE_FLOAT16 = 10, 20, 30, 40
KEYS, VALUES = "/keys", "/values"
ANY_SHAPE = Flexibility()


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature. ``dtype`` and ``shape`` are the tensor's; ``kind`` is FeatureTypes.proto's name of the type.

    ``colour`` is an image's colour space; ``keys`` is a dictionary's key dtype; ``default`` is the value of an optional
    input that is omitted. ``tensor`` is the graph's name for an input that shares its name with an output. ``allowed``
    are the shapes that an array or image may have.
    """

    name: str
    kind: str
    dtype: Dtype
    shape: Shape | None
    colour: int = 0
    keys: Dtype | None = None
    default: Array | None = None
    tensor: str = ""
    allowed: Flexibility | None = None


def feature(description: Message, dtype: str | None = None) -> Feature:
    """Read one FeatureDescription. ``dtype`` is used for an array that declares none. Raises PG404 for other types."""
    kind = description.type.WhichOneof("Type")
    if kind not in _READERS:
        raise unsupported(f"feature '{description.name}'", f"the feature type {kind} is not supported")
    return _READERS[kind](description, dtype or "float32")


def _array(description: Message, fallback: str) -> Feature:
    array = description.type.multiArrayType
    dtype = np.dtype(ARRAY_DTYPES.get(array.dataType, fallback))
    given = array.WhichOneof("defaultOptionalValue")
    optional = description.type.isOptional or given
    default = np.full(tuple(array.shape), getattr(array, given) if given else 0, dtype) if optional else None
    allowed = of_array(array)
    return Feature(description.name, "multiArrayType", dtype, allowed.shape, default=default, allowed=allowed)


def _image(description: Message, _: str) -> Feature:
    image = description.type.imageType
    allowed = of_image(image, 3 if image.colorSpace in (RGB, BGR) else 1)
    dtype = np.dtype("float16" if image.colorSpace == GRAYSCALE_FLOAT16 else "float32")
    return Feature(description.name, "imageType", dtype, allowed.shape, colour=image.colorSpace, allowed=allowed)


def _scalar(dtype: str) -> Callable[[Message, str], Feature]:
    return lambda d, _: Feature(d.name, d.type.WhichOneof("Type"), np.dtype(dtype), (1,))


def _dictionary(description: Message, _: str) -> Feature:
    is_text = description.type.dictionaryType.WhichOneof("KeyType") == "stringKeyType"
    keys = np.dtype("str" if is_text else "int64")
    return Feature(description.name, "dictionaryType", np.dtype("float64"), (None,), keys=keys)


_READERS: dict[str, Callable[[Message, str], Feature]] = {
    "multiArrayType": _array,
    "imageType": _image,
    "doubleType": _scalar("float64"),
    "int64Type": _scalar("int64"),
    "stringType": _scalar("str"),
    "dictionaryType": _dictionary,
}


def declare(g: Graph, feature: Feature) -> Slot:
    """Declare the graph inputs of ``feature``."""
    name = feature.tensor or feature.name
    if feature.keys is None:
        return g.input(name, feature.dtype, feature.shape)
    keys = g.input(name + KEYS, feature.keys, feature.shape)
    return Pairs(keys, g.input(name + VALUES, feature.dtype, feature.shape))


def encode(feature: Feature, value: Any) -> dict[str, Array]:
    """A user's value as the graph's input tensors. Raises PG204 when its shape or type is wrong."""
    name = feature.tensor or feature.name
    if feature.keys is not None:
        keys = np.array(list(value.keys()), dtype=object if feature.keys.kind == "U" else feature.keys)
        return {name + KEYS: keys, name + VALUES: np.array(list(value.values()), feature.dtype)}
    if feature.kind == "imageType" and not isinstance(value, np.ndarray):
        return {name: _pixels(feature, value)}
    dtype = object if feature.dtype.kind == "U" else feature.dtype
    return {name: _fitted(feature, np.asarray(value).astype(dtype))}


def absent(feature: Feature) -> dict[str, Array]:
    """The default of an optional input that was omitted. Raises PG204 when the input isn't optional."""
    if feature.default is None:
        raise ParityGateError(
            "PG204", f"input '{feature.name}'", "the model requires it, and the samples don't contain it"
        )
    return {feature.tensor or feature.name: feature.default}


def _fitted(feature: Feature, array: Array) -> Array:
    shape = feature.shape
    fitted = array if shape is None else _aligned(array, shape)
    agrees = shape is None or _agrees(shape, fitted.shape)
    if not agrees or not (feature.allowed or ANY_SHAPE).admits(fitted.shape):
        declared = feature.allowed or _show(shape or ())
        raise ParityGateError(
            "PG204", f"input '{feature.name}'", f"shape {array.shape} is not the declared shape {declared}"
        )
    return fitted


def _aligned(array: Array, shape: Shape) -> Array:
    """``array`` with the declared rank, if only axes of length 1 have to be added or removed."""
    if array.ndim != len(shape) and array.size == 1 and all(d in (1, None) for d in shape):
        return array.reshape((1,) * len(shape))  # a scalar may be passed with shape (1,), and vice versa
    return array if array.ndim == len(shape) else _without_batch(array, len(shape))


def _agrees(declared: Shape, given: tuple[int, ...]) -> bool:
    return len(declared) == len(given) and all(d in (None, n) for d, n in zip(declared, given, strict=True))


SEQUENCE_RANK = 5
"""Sequence, batch, channel, height and width."""


def sequence_shape(feature: Feature, array: Array) -> tuple[int, ...]:
    """The shape of an array with sequence and batch in front of the declared shape. Raises PG204 otherwise."""
    own, declared = without_sequence(feature), feature.shape or ()
    tail = array.shape[SEQUENCE_RANK - len(own) :]
    if any(d not in (None, a) for d, a in zip(own, tail, strict=True)):
        raise ParityGateError(
            "PG204",
            f"input '{feature.name}'",
            f"shape {array.shape} is not a sequence of the declared shape {_show(declared)}",
        )
    return array.shape


def without_sequence(feature: Feature) -> Shape:
    """The declared shape as channel, height and width."""
    declared = feature.shape or ()
    return (*declared, 1, 1) if len(declared) == 1 else (1,) * (3 - len(declared)) + declared


def _without_batch(array: Array, rank: int) -> Array:
    """``array`` with leading axes of length 1 removed until it has ``rank`` axes, if it has that many."""
    own = array.shape[max(array.ndim - rank, 0) :]
    return array.reshape((1,) * (rank - len(own)) + own) if array.size == np.prod(own) else array


def _show(shape: Shape) -> str:
    return f"({', '.join('?' if d is None else str(d) for d in shape)})"


def _pixels(feature: Feature, image: Any) -> Array:
    """A PIL image as (1, channels, height, width)."""
    mode = {GRAYSCALE: "L", GRAYSCALE_FLOAT16: "F"}.get(feature.colour, "RGB")
    pixels = np.asarray(image.convert(mode), feature.dtype)
    planes = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    return _fitted(feature, np.ascontiguousarray(planes[::-1] if feature.colour == BGR else planes)[None])


def decode(feature: Feature, results: dict[str, Array]) -> Any:
    """The graph's output tensors as Core ML returns them: array, PIL image, number, string or dictionary."""
    if feature.keys is not None:
        keys, values = (results[feature.name + part].reshape(-1).tolist() for part in (KEYS, VALUES))
        return dict(zip(keys, values, strict=True))
    array = results[feature.name]
    if feature.kind == "imageType":
        return _picture(feature, array)
    if feature.kind == "multiArrayType":
        return array.reshape(1) if array.ndim == 0 else array
    return array.reshape(-1)[0].item() if feature.kind != "stringType" else str(array.reshape(-1)[0])


def _picture(feature: Feature, array: Array) -> Any:
    from PIL import Image

    planes = array.reshape(array.shape[-3:]).astype(np.float32)
    if feature.colour == GRAYSCALE_FLOAT16:
        return Image.fromarray(planes[0])
    pixels = np.clip(np.rint(planes), 0, 255).astype(np.uint8)
    if feature.colour == GRAYSCALE:
        return Image.fromarray(pixels[0])
    ordered = pixels[::-1] if feature.colour == BGR else pixels
    return Image.fromarray(np.ascontiguousarray(ordered.transpose(1, 2, 0))).convert("RGBA")
