"""Small neural networks, made by coremltools' builder and run by the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from whole import coremltools

from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.coreml.lowered import CoreMLModel, load


def builder(inputs: Mapping[str, tuple[int, ...]], outputs: tuple[str, ...] = ("y",), exact: bool = True, **more: Any):
    """A NeuralNetworkBuilder; ``exact`` keeps the inputs' shapes, else blobs have rank 5."""
    ct = coremltools()
    return ct.models.neural_network.NeuralNetworkBuilder(
        [(name, ct.models.datatypes.Array(*shape)) for name, shape in inputs.items()],
        [(name, None) for name in outputs],
        disable_rank5_shape_mapping=exact,
        **more,
    )


def loaded(spec: Any) -> CoreMLModel:
    """The specification as a file, loaded."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.mlmodel"
        path.write_bytes(spec.SerializeToString())
        return load(path, LoadOptions())


def outputs(
    build: Callable[[Any], object], feeds: Mapping[str, np.ndarray], names: tuple[str, ...] = ("y",), exact: bool = True
) -> list[np.ndarray]:
    """The outputs of a network that ``build`` adds to a builder with the inputs ``feeds``."""
    made = builder({name: array.shape for name, array in feeds.items()}, names, exact)
    build(made)
    got = loaded(made.spec).session.predict(feeds)
    return [got[name] for name in names]
