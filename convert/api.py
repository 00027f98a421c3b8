"""The library's door: ``from paritygate.convert import convert``. Imports nothing heavy until it is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..validate.engines.registry import COMPUTED
from ..validate.workers.events import Listener, ignore

if TYPE_CHECKING:
    from ..validate.expectations.expected import GivenMetric
    from ..validate.signature import Array, ClassLabel, ImageInput, TensorSpec
    from .pipeline import Conversion


def convert(
    source: Any,
    output: str | Path,
    *,
    to: str | None = None,
    route: str | None = None,
    opset: int | None = None,
    deployment_target: str | None = None,
    precision: str = "fp32",
    images: Mapping[str, ImageInput] | None = None,
    class_labels: Sequence[ClassLabel] = (),
    shapes: Mapping[str, Sequence[tuple[int, ...]]] | None = None,
    dtype: str = "float32",
    samples: str | Path | None = None,
    seed: int = 0,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    batch_sizes: tuple[int, ...] | None = None,
    search: float = 0.0,
    rtol: float | None = None,
    atol: float | None = None,
    tolerances: Mapping[str, tuple[float, float]] | None = None,
    policy: str = COMPUTED,
    budget: float | None = None,
    second_opinion: bool = False,
    thresholds: Mapping[str, float | Sequence[float]] | None = None,
    metrics: Sequence[GivenMetric] = (),
    config: str | Path | None = None,
    signature: str | None = None,
    weights: str | Path | None = None,
    inputs: Sequence[TensorSpec | str] = (),
    example: Mapping[str, Array] | None = None,
    dynamic: Sequence[tuple[str, int] | tuple[str, int, int, int]] = (),
    trust: bool = False,
    timeout: float | None = None,
    memory_limit: int | None = None,
    keep: str | Path | None = None,
    on_event: Listener = ignore,
    localise: bool = False,
) -> Conversion:
    """Convert ``source`` to the file ``output``, which is written only if parity holds.

    ``to`` is ``onnx``, ``mlmodel`` or ``mlpackage`` (default: by ``output``'s suffix), ``route`` the only way to take
    (default: all, in their order, until one proves parity), ``opset`` the ONNX opset (default: the newest that ONNX
    Runtime supports officially), ``dtype`` the width of inputs where the source leaves it open, ``dynamic``
    input name and axis, with the lowest and highest length for Core ML. For Core ML only: ``deployment_target`` (such
    as ``iOS16``), ``precision`` (``fp32``, ``fp16``, ``mixed``), ``images`` (inputs that become images),
    ``class_labels`` (names of the classes), ``shapes`` (the only shapes of an input). All else is as for
    :func:`paritygate.validate.validate`.

    Raises ParityGateError for everything but a verdict; ``.report.passed`` is the verdict, ``.path`` the file written
    or None.
    """
    from ..validate.api import as_path, as_specs, make_settings
    from ..validate.engines.base import LoadOptions
    from ..validate.expectations.expected import expect
    from ..validate.workers.job import Scrutiny
    from .pipeline import Job, run_job
    from .routes.base import ConvertOptions

    load = LoadOptions(
        signature=signature,
        weights=as_path(weights),
        trust=trust,
        inputs=as_specs(inputs),
        example=example,
        dynamic=tuple((entry[0], entry[1]) for entry in dynamic),
        dtype=dtype,
    )
    settings = make_settings(
        samples,
        seed,
        ranges,
        batch_sizes,
        rtol,
        atol,
        tolerances,
        timeout,
        memory_limit,
        keep,
        on_event,
        expectations=expect(thresholds, metrics, as_path(config)),
        policy=policy,
        scrutiny=Scrutiny(budget, second_opinion),
        search=search,
        localise=localise,
    )
    options = ConvertOptions(
        opset=opset,
        deployment_target=deployment_target,
        precision=precision,
        images=images or {},
        class_labels=tuple(class_labels),
        ranges={(entry[0], entry[1]): (entry[2], entry[3]) for entry in dynamic if len(entry) == 4},
        shapes={name: tuple(entries) for name, entries in (shapes or {}).items()},
    )
    return run_job(Job(source, Path(output), to, load, options, route), settings)
