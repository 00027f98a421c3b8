"""One operator as a model: lowered on its own and run."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from paritygate.validate.coreml import ops  # noqa: F401  fills the registry
from paritygate.validate.coreml.bind import MIL, Op, TensorType
from paritygate.validate.coreml.features import Feature
from paritygate.validate.coreml.files.weights import Blobs
from paritygate.validate.coreml.graph import Graph
from paritygate.validate.coreml.lower import Lowered
from paritygate.validate.coreml.runtime import Session

RNG = np.random.default_rng(11)

FLOAT = TensorType(np.dtype("float32"), None)

INT = TensorType(np.dtype("int32"), None)


def session(
    op: str,
    given: Mapping[str, Any],
    computed: Collection[str],
    outputs: tuple[TensorType, ...],
    opset: int,
    open_axes: bool,
) -> Session:
    """One operator as a model. A tuple is an argument of several tensors; with ``open_axes`` no length is fixed."""
    g = Graph()
    arguments: dict[str, list[Any]] = {}
    features: list[Feature] = []
    for name, value in given.items():
        parts = {f"{name}{i}": v for i, v in enumerate(value)} if isinstance(value, tuple) else {name: value}
        arguments[name] = []
        for part, array in parts.items():
            array = np.asarray(array)
            if name not in computed:
                arguments[name].append(g.const(array))
                continue
            shape = (None,) * array.ndim if open_axes else array.shape
            arguments[name].append(g.input(part, array.dtype, shape))
            features.append(Feature(part, "multiArrayType", array.dtype, shape))
    operation = Op(op, "tested", opset, outputs)
    with g.scope(f"{op}:tested"):
        values = MIL.find(operation)(g, operation, arguments)
    for i, value in enumerate(values):
        g.output(value, f"output{i}")
    results = tuple(Feature(f"output{i}", "multiArrayType", t.dtype, t.shape) for i, t in enumerate(outputs))
    return Session(Lowered(g, tuple(features), results, (), Blobs(Path())))


def run(
    op: str,
    given: Mapping[str, Any],
    computed: Collection[str] = (),
    outputs: tuple[TensorType, ...] = (FLOAT,),
    opset: int = 15,
    open_axes: bool = False,
) -> list[np.ndarray]:
    feeds = {}
    for name in computed:
        value = given[name]
        feeds |= {f"{name}{i}": v for i, v in enumerate(value)} if isinstance(value, tuple) else {name: value}
    values = session(op, given, computed, outputs, opset, open_axes).run(feeds)
    return [values[f"output{i}"] for i in range(len(outputs))]


def numbers(*shape: int) -> np.ndarray:
    return RNG.uniform(0.5, 3, shape).astype(np.float32)


def whole(low: int, high: int, *shape: int) -> np.ndarray:
    return RNG.integers(low, high, shape).astype(np.int32)
