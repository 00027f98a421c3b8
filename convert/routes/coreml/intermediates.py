"""The intermediate values of an ML Program: every floating-point value of its main function, on the samples."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ....validate.adapters.inputs import InputAdapter
from ....validate.adapters.single_rows import split, takes_rows
from ....validate.coreml.files.package import open_package
from ....validate.coreml.lower import lower
from ....validate.coreml.runtime import Session
from ....validate.engines.coreml.lowered import CoreMLModel
from ....validate.samples import load_samples
from ....validate.tasks.types import Bindings
from ....validate.workers.job_folder import JobFolder

if TYPE_CHECKING:
    from ....validate.signature import Array, Feed

_INFINITE = 1e38
"""A float32 of at least this magnitude is an attention mask's infinity, not a computed number."""

_NARROW = "_cast_fp16"
"""coremltools' suffix for the name of a value that it has cast to float16."""


def peaks(path: Path, bindings: Bindings, job: JobFolder) -> dict[str, float]:
    """The greatest magnitude of every value, by name, over all samples of the job, without masks' infinities."""
    model, feeds = _with_intermediates(path), load_samples(job.samples).feeds
    found: dict[str, float] = {}
    for feed in _rows(model, bindings, feeds):
        for name, array in {**feed, **model.run(feed)}.items():
            if array.dtype.kind == "f":
                found[name] = max(found.get(name, 0.0), _peak(array))
    return found


def errors(path: Path, exact: Path, bindings: Bindings, job: JobFolder) -> dict[str, float]:
    """The maximum error of each value relative to that of the same name in ``exact``, as a fraction of its peak."""
    half, full = _with_intermediates(path), _with_intermediates(exact)
    worst: dict[str, float] = {}
    for feed in _rows(full, bindings, load_samples(job.samples).feeds):
        expected = full.run(feed)
        actual = {name.removesuffix(_NARROW): array for name, array in half.run(feed).items()}
        for name in expected.keys() & actual.keys():
            worst[name] = max(worst.get(name, 0.0), _relative_error(actual[name], expected[name]))
    return worst


def _rows(model: CoreMLModel, bindings: Bindings, feeds: tuple[Feed, ...]) -> Iterator[Feed]:
    adapter = InputAdapter(model.signature, bindings.inputs, bindings.images)
    adapted = [adapter.adapt(feed) for feed in feeds]
    if not takes_rows(model.signature, adapted):
        yield from adapted
        return
    for feed in adapted:
        yield from split(feed, model.signature)


def _with_intermediates(path: Path) -> CoreMLModel:
    """The program with every floating-point value of its main function as an output."""
    package = open_package(path)
    function = package.spec.mlProgram.functions["main"]
    block = function.block_specializations[function.opset]
    known = set(block.outputs)
    for operation in block.operations:
        for output in operation.outputs if operation.type != "const" else ():
            if output.name not in known and _is_floating(output):
                block.outputs.append(output.name)
                feature = package.spec.description.output.add(name=output.name)
                feature.type.multiArrayType.dataType = _FLOAT32
    return CoreMLModel(package, Session(lower(package)))


_FLOAT32 = 65568
"""ArrayFeatureType.FLOAT32 in FeatureTypes.proto."""

_FLOATS = (10, 11)
"""FLOAT16 and FLOAT32 in MIL.proto's DataType."""


def _is_floating(output: Any) -> bool:
    return output.type.WhichOneof("type") == "tensorType" and output.type.tensorType.dataType in _FLOATS


def _peak(array: Array) -> float:
    magnitudes = np.abs(array[np.isfinite(array)])
    return float(magnitudes[magnitudes < _INFINITE].max(initial=0))


def _relative_error(actual: Array, expected: Array) -> float:
    if actual.shape != expected.shape or expected.dtype.kind != "f":
        return 0.0
    finite = np.isfinite(expected) & (np.abs(expected) < _INFINITE)
    off = np.abs(actual.astype(np.float64) - expected)[finite]
    if not np.isfinite(off).all():
        return float("inf")
    return float(off.max(initial=0)) / (_peak(expected) or 1.0)
