"""What happens inside of an ML Program: every floating value of its main function, on the samples of a job."""

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
"""From here on a float32 is a mask's infinity, not a number that anyone computes with."""


_NARROW = "_cast_fp16"
"""What coremltools puts behind the name of a value that it has moved to float16."""


def peaks(path: Path, bindings: Bindings, job: JobFolder) -> dict[str, float]:
    """The greatest magnitude of every value, by name, over all samples of the job; masks' infinities apart."""
    model, feeds = _watched(path), load_samples(job.samples).feeds
    found: dict[str, float] = {}
    for feed in _rows(model, bindings, feeds):
        for name, array in {**feed, **model.run(feed)}.items():
            if array.dtype.kind == "f":
                found[name] = max(found.get(name, 0.0), _peak(array))
    return found


def errors(path: Path, exact: Path, bindings: Bindings, job: JobFolder) -> dict[str, float]:
    """How far each value is off that of the same name in ``exact``, as a share of its own peak."""
    half, full = _watched(path), _watched(exact)
    worst: dict[str, float] = {}
    for feed in _rows(full, bindings, load_samples(job.samples).feeds):
        wanted = full.run(feed)
        given = {name.removesuffix(_NARROW): array for name, array in half.run(feed).items()}
        for name in wanted.keys() & given.keys():
            worst[name] = max(worst.get(name, 0.0), _share(given[name], wanted[name]))
    return worst


def _rows(model: CoreMLModel, bindings: Bindings, feeds: tuple[Feed, ...]) -> Iterator[Feed]:
    adapter = InputAdapter(model.signature, bindings.inputs, bindings.images)
    adapted = [adapter.adapt(feed) for feed in feeds]
    if not takes_rows(model.signature, adapted):
        yield from adapted
        return
    for feed in adapted:
        yield from split(feed, model.signature)


def _watched(path: Path) -> CoreMLModel:
    """The program with every floating value of its main function as an output."""
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


def _share(given: Array, wanted: Array) -> float:
    if given.shape != wanted.shape or wanted.dtype.kind != "f":
        return 0.0
    finite = np.isfinite(wanted) & (np.abs(wanted) < _INFINITE)
    off = np.abs(given.astype(np.float64) - wanted)[finite]
    if not np.isfinite(off).all():
        return float("inf")
    return float(off.max(initial=0)) / (_peak(wanted) or 1.0)
