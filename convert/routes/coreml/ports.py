"""A source's inputs and outputs as features of a Core ML model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....validate.errors import ParityGateError
from ....validate.samples.limits import check_limits, fixed_lengths, listed_lengths
from ....validate.signature import Dim, ImageInput, Signature, TensorSpec
from ..base import RouteOptions
from .target import DeploymentTarget, coremltools

NARROWED = {
    **dict.fromkeys(("float64", "float32", "float16"), "float32"),
    **dict.fromkeys(("int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8", "bool"), "int32"),
}
"""A source's dtype -> the dtype of the Core ML array for it."""

LONGEST = 4096
"""The default maximum length of a dynamic axis: an ML Program's ranges must be bounded."""

Range = tuple[int, int]
Length = int | Range


@dataclass(frozen=True, slots=True)
class Port:
    """One input: the name in the source, the feature's name, dtype and shape.

    A length is a number or a range; axes with the same entry in ``symbols`` always have equal lengths. ``shapes`` are
    the only accepted shapes if the user lists any, else empty. ``image`` makes it an image.
    """

    source: str
    feature: str
    dtype: str
    shape: tuple[Length, ...]
    shapes: tuple[tuple[int, ...], ...] = ()
    image: ImageInput | None = None
    symbols: tuple[Dim, ...] = ()

    @property
    def example(self) -> tuple[int, ...]:
        """The smallest accepted shape."""
        if self.shapes:
            return self.shapes[0]
        return tuple(d if isinstance(d, int) else d[0] for d in self.shape)

    @property
    def fixed(self) -> bool:
        """Whether only one shape is accepted."""
        return len(self.shapes) < 2 and all(isinstance(d, int) for d in self.shape)


def batch_axis(signature: Signature) -> str | None:
    """The symbol of the batch, if the first axis of every input and output is that and no other axis is.

    Core ML predicts one sample at a time, and a batch is a list of samples: such an axis becomes 1.
    """
    shapes = [spec.shape for spec in (*signature.inputs, *signature.outputs)]
    firsts = {shape[0] if shape else None for shape in shapes}
    symbol = next(iter(firsts)) if len(firsts) == 1 else None
    if not isinstance(symbol, str) or any(symbol in (shape or ())[1:] for shape in shapes):
        return None
    return symbol


def ports_of(signature: Signature, options: RouteOptions) -> tuple[Port, ...]:
    """The inputs as features. Raises PG201 for options for an unknown input, PG206 for an unknown rank."""
    check_limits(signature, options.shapes, options.ranges)
    lengths = _lengths(signature, options)
    features = feature_names([spec.name for spec in signature.inputs])
    return tuple(_port(spec, name, lengths, options) for spec, name in zip(signature.inputs, features, strict=True))


def _lengths(signature: Signature, options: RouteOptions) -> dict[str, Length]:
    """Symbol of an axis -> its lengths; an option for one input applies to the equal axes of the others."""
    specs = {spec.name: spec for spec in signature.inputs}
    listed = listed_lengths(signature, options.shapes)
    ranges = {str((specs[name].shape or ())[axis]): limits for (name, axis), limits in options.ranges.items()}
    batch = batch_axis(signature)
    return {
        **({} if batch is None else {batch: 1}),
        **ranges,
        **{symbol: (min(tries), max(tries)) for symbol, tries in listed.items()},
        **fixed_lengths(signature, options.shapes, options.ranges),
    }


def _port(spec: TensorSpec, feature: str, lengths: Mapping[str, Length], options: RouteOptions) -> Port:
    if spec.shape is None:
        raise ParityGateError("PG206", spec.name, "its number of axes is unknown", "Declare it with --input.")
    _check_dtype(spec)
    shape = tuple(dim if isinstance(dim, int) else lengths.get(dim, (1, LONGEST)) for dim in spec.shape)
    shapes = options.shapes.get(spec.name, ())
    return Port(spec.name, feature, NARROWED[spec.dtype], shape, shapes, options.images.get(spec.name), spec.shape)


def _check_dtype(spec: TensorSpec) -> None:
    if spec.dtype not in NARROWED:
        raise ParityGateError("PG404", spec.name, f"Core ML has no arrays of {spec.dtype}")


def feature_names(names: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """Names that Core ML (and Swift) accepts: letters, digits and _, unique, none of ``taken``."""
    used, features = set(taken), []
    for name in names:
        plain = re.sub(r"\W", "_", name, flags=re.ASCII)
        plain = f"_{plain}" if not plain or plain[0].isdigit() else plain
        while plain in used:
            plain += "_"
        used.add(plain)
        features.append(plain)
    return features


def tensor_types(ports: Sequence[Port], names: Mapping[str, str], target: DeploymentTarget) -> list[Any]:
    """The ports as coremltools' types; ``names`` are the graph's own names for the source's inputs."""
    shapes = _Shapes()
    return [(_image if port.image else _tensor)(port, names[port.source], shapes.of(port)) for port in ports]


def inner_names(ports: Sequence[Port], signature: Signature) -> tuple[dict[str, str], dict[str, str]]:
    """Names of inputs and outputs for a graph that is yet to be converted, by the source's names.

    coremltools has no reason to change them, and they are unique in the graph.
    """
    inputs = {port.source: f"{_INNER}input_{number}" for number, port in enumerate(ports)}
    outputs = {spec.name: f"{_INNER}output_{number}" for number, spec in enumerate(signature.outputs)}
    return inputs, outputs


_INNER = "paritygate_"


def output_types(signature: Signature, names: Sequence[str]) -> list[Any]:
    """The outputs as coremltools' types; ``names`` are the graph's own names for them, in the source's order.

    Without their dtypes, coremltools narrows them for new targets in float16 precision.
    Raises PG404 for dtypes without a Core ML array type.
    """
    for spec in signature.outputs:
        _check_dtype(spec)
    return [
        coremltools().TensorType(name=name, dtype=np.dtype(NARROWED[spec.dtype]).type)
        for spec, name in zip(signature.outputs, names, strict=True)
    ]


def _tensor(port: Port, name: str, shape: Any) -> Any:
    return coremltools().TensorType(name=name, shape=shape, dtype=np.dtype(port.dtype).type)


class _Shapes:
    """Shapes for coremltools; axes with the same symbol share a ``RangeDim``, so that MIL knows they are equal."""

    def __init__(self) -> None:
        self._dims: dict[Dim, Any] = {}

    def of(self, port: Port) -> Any:
        """A fixed, enumerated or ranged shape."""
        ct = coremltools()
        if len(port.shapes) > 1:
            return ct.EnumeratedShapes(shapes=[list(shape) for shape in port.shapes])
        if port.shapes:
            return ct.Shape(shape=port.shapes[0])
        axes = zip(port.shape, port.symbols, strict=True)
        return ct.Shape(shape=[d if isinstance(d, int) else self._range(d, symbol) for d, symbol in axes])

    def _range(self, length: Range, symbol: Dim) -> Any:
        if symbol not in self._dims:
            self._dims[symbol] = coremltools().RangeDim(*length, default=length[0])
        return self._dims[symbol]


def _image(port: Port, name: str, shape: Any) -> Any:
    ct, image = coremltools(), port.image
    assert image is not None  # tensor_types calls this for images only
    layout = {"RGB": ct.colorlayout.RGB, "BGR": ct.colorlayout.BGR, "GRAY": ct.colorlayout.GRAYSCALE}[image.layout]
    channels = 1 if image.layout == "GRAY" else 3
    bias = list(image.bias) * (channels if len(image.bias) == 1 else 1)
    return ct.ImageType(
        name=name,
        shape=shape,
        scale=image.scale,
        bias=bias[0] if channels == 1 else bias,
        color_layout=layout,
        channel_first=not image.channels_last,
    )
