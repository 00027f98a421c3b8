"""Weights of Keras 1, of Keras on Theano and of cuDNN's layers in the layout of Keras 3."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ....errors import ParityGateError
from .words import CLASSES

if TYPE_CHECKING:
    from ....signature import Array

    Weights = list[Array]

_CONVOLUTIONS = {"Conv1D": 1, "Conv2D": 2, "Conv2DTranspose": 2, "Conv3D": 3, "ConvLSTM2D": 2,
                 "Convolution1D": 1, "Convolution2D": 2}  # fmt: skip
"""Layers whose kernels Theano flips -> their number of spatial axes."""

_GATES = {"GRU": 3, "LSTM": 4, "ConvLSTM2D": 4}
_ORDER = {3: (0, 1, 2), 4: (0, 2, 1, 3)}
"""Number of gates -> their order in the layout of today; Keras 1 kept the weights of each gate apart."""

_MODELS = ("Model", "Functional", "Sequential")


@dataclass(frozen=True, slots=True)
class Writer:
    """Who wrote the weights: the generation of Keras, and the library below it."""

    generation: int
    backend: str


def modern_weights(path: Path, destination: Path, model: Mapping[str, Any], writer: Writer) -> Path:
    """A file of the weights in today's layout: ``path`` itself where they have it, else a copy at ``destination``.

    Raises ParityGateError PG402 for weights in a nested model that would have to be changed.
    """
    import h5py

    layers = [layer for layer in _layers(model) if _is_old(layer, writer)]
    if not layers:
        return path
    shutil.copyfile(path, destination)
    with h5py.File(destination, "r+") as file:
        groups = file.get("model_weights", file)
        for layer in layers:
            if layer["class_name"] in _MODELS:
                cause = "it is a nested model with weights in the layout of Keras 1 or of cuDNN"
                raise ParityGateError("PG402", f"layer {_name(layer)}", cause)
            _rewrite(groups[_name(layer)], layer, writer)
    return destination


def _layers(model: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    config = model["config"]
    return list(config if isinstance(config, list) else config.get("layers", ()))


def _name(layer: Mapping[str, Any]) -> str:
    return str(layer["config"]["name"] if "name" in layer["config"] else layer.get("name", "?"))


def _is_old(layer: Mapping[str, Any], writer: Writer) -> bool:
    """Whether a layer, or one inside of it, has weights in another layout."""
    if layer["class_name"] in _MODELS:
        return any(_is_old(each, writer) for each in _layers(layer))
    kinds = {each["class_name"] for each in _with_inner(layer)}
    apart = kinds & {"CuDNNGRU", "CuDNNLSTM"}
    renamed = {CLASSES.get(kind, kind) for kind in kinds}
    flipped = writer.backend == "theano" and renamed & _CONVOLUTIONS.keys()
    first = writer.generation == 1 and renamed & (_CONVOLUTIONS.keys() | _GATES.keys())
    return bool(apart or flipped or first)


def _with_inner(layer: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield layer
    inner = layer["config"].get("layer") if isinstance(layer["config"], Mapping) else None
    if isinstance(inner, Mapping):
        yield from _with_inner(inner)


def _rewrite(group: Any, layer: Mapping[str, Any], writer: Writer) -> None:
    names = [name.decode() if isinstance(name, bytes) else str(name) for name in group.attrs["weight_names"]]
    values = _changed(layer, [group[name][()] for name in names], writer)
    for name in names:
        del group[name]
    renamed = [f"paritygate_{number}" for number in range(len(values))]
    for name, value in zip(renamed, values, strict=True):
        group[name] = value
    group.attrs["weight_names"] = [name.encode() for name in renamed]


def _changed(layer: Mapping[str, Any], weights: Weights, writer: Writer) -> Weights:
    kind, config = str(layer["class_name"]), layer["config"]
    if kind == "TimeDistributed":
        return _changed(config["layer"], weights, writer)
    if kind == "Bidirectional":
        half = len(weights) // 2
        return [*_changed(config["layer"], weights[:half], writer), *_changed(config["layer"], weights[half:], writer)]
    if kind in {"CuDNNGRU", "CuDNNLSTM"}:
        return _from_cudnn(weights, _GATES[kind.removeprefix("CuDNN")])
    kind = CLASSES.get(kind, kind).replace("Convolution", "Conv")
    if writer.generation == 1:
        weights = _joined(weights, _GATES[kind]) if kind in _GATES else _transposed(kind, config, weights)
    return _flipped(kind, weights) if writer.backend == "theano" else weights


def _from_cudnn(weights: Weights, gates: int) -> Weights:
    """cuDNN has one matrix per gate, transposed, and two biases: an LSTM adds them, a GRU keeps both."""
    import numpy as np

    kernel, recurrent, *biases = weights
    kernels = [part.T.reshape(part.shape, order="F") for part in np.split(kernel, gates, axis=1)]
    recurrents = [part.T for part in np.split(recurrent, gates, axis=1)]
    pairs = [bias.reshape(2, -1) for bias in biases]
    return [
        np.hstack(kernels),
        np.hstack(recurrents),
        *(pair if gates == _GATES["GRU"] else pair.sum(0) for pair in pairs),
    ]


def _joined(weights: Weights, gates: int) -> Weights:
    """One kernel, one recurrent kernel and one bias, from those of each gate."""
    import numpy as np

    if len(weights) != 3 * gates:
        return weights
    return [np.concatenate([weights[3 * gate + part] for gate in _ORDER[gates]], axis=-1) for part in range(3)]


def _transposed(kind: str, config: Mapping[str, Any], weights: Weights) -> Weights:
    """Kernels as (spatial axes, channels in, filters); those of a transposed convolution end in (filters, channels)."""
    kernel, *rest = weights if weights else [None]
    if kernel is None or kind not in _CONVOLUTIONS:
        return weights
    axes = tuple(range(_CONVOLUTIONS[kind]))
    if kind == "Conv1D":  # Keras 1 gave it a second spatial axis of length 1
        is_new = kernel.shape[1] == 1 and kernel.shape[3] == config.get("nb_filter")
        kernel = (kernel if is_new else kernel.transpose(2, 3, 1, 0))[:, 0]
    elif config.get("dim_ordering") == "th":
        spatial = tuple(axis + 2 for axis in axes)
        kernel = kernel.transpose(*spatial, *((0, 1) if kind == "Conv2DTranspose" else (1, 0)))
    elif kind == "Conv2DTranspose":
        kernel = kernel.transpose(0, 1, 3, 2)
    return [kernel, *rest]


def _flipped(kind: str, weights: Weights) -> Weights:
    """Theano convolves, TensorFlow correlates."""
    import numpy as np

    if kind not in _CONVOLUTIONS or not weights:
        return weights
    axes = tuple(range(_CONVOLUTIONS[kind]))
    count = 2 if kind == "ConvLSTM2D" else 1
    return [*(np.flip(kernel, axes) for kernel in weights[:count]), *weights[count:]]
