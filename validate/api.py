"""The library's door: ``from paritygate.validate import validate``. Imports nothing heavy until it is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .engines.registry import COMPUTED, OURS
from .workers.events import Listener, ignore

if TYPE_CHECKING:
    from .expectations.expected import Expectations, GivenMetric
    from .report.types import Report
    from .session import Settings
    from .signature import Array, TensorSpec
    from .workers.job import Scrutiny


def validate(
    reference: Any,
    candidate: Any,
    *,
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
    bind: Mapping[str, str] | None = None,
    bind_inputs: Mapping[str, str] | None = None,
    signature: str | None = None,
    weights: str | Path | None = None,
    inputs: Sequence[TensorSpec | str] = (),
    example: Mapping[str, Array] | None = None,
    trust: bool = False,
    timeout: float | None = None,
    memory_limit: int | None = None,
    keep: str | Path | None = None,
    on_event: Listener = ignore,
    engine: str = OURS,
    localise: bool = False,
) -> Report:
    """Run two models on the same samples and compare every output.

    ``reference`` and ``candidate`` are paths, ``module:factory`` names or live objects (a fitted estimator, an
    ``nn.Module``, an exported program, a Keras model, a concrete function). A path runs in a worker process of its own
    (``timeout`` in seconds, ``memory_limit`` in bytes), a live object in this process. ``samples`` is a file or
    folder as docs/samples.md lists them; otherwise samples are generated with ``seed``, ``ranges`` (input ->
    low, high) and ``batch_sizes``. For ``search`` seconds inputs are looked for on which the two part.
    ``policy`` is ``computed`` (how far an element may be off is measured, for at most ``budget`` seconds) or
    ``table``; ``rtol`` and ``atol``, given both or not at all, take its place; ``tolerances`` are per output.
    ``second_opinion`` asks onnx.reference, too.
    ``thresholds`` (output -> one or several) are where decisions change; ``metrics`` are functions of outputs and
    inputs, or texts ``module:function[:MAX_DIFF]``, or pairs of either and MAX_DIFF; ``config`` is a file with waivers
    (docs/decisions.md has all three).
    ``bind`` and ``bind_inputs`` map candidate names to reference names where they differ. ``signature``, ``weights``,
    ``inputs`` (specs, or texts such as ``"x:float32:N,3,32,32"``), ``example`` (name -> array) and ``trust`` speak
    of the reference. ``engine`` runs Core ML models: ``coreml``, on macOS also ``coreml-native`` or ``both``.
    ``localise`` follows a failure to the layer where numbers part and writes a repro into ``keep``, or else beside
    the candidate.

    Raises ParityGateError for everything but a verdict; the report's ``passed`` is the verdict.
    """
    from .engines.base import LoadOptions
    from .expectations.expected import expect
    from .session import run_session
    from .workers.job import Bindings, Scrutiny

    load = LoadOptions(
        signature=signature,
        weights=as_path(weights),
        trust=trust,
        inputs=as_specs(inputs),
        example=example,
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
        engine,
        expect(thresholds, metrics, as_path(config)),
        policy,
        Scrutiny(budget, second_opinion),
        localise=localise,
        search=search,
    )
    return run_session(reference, candidate, load, Bindings(bind_inputs or {}, bind or {}), settings)


def make_settings(
    samples: str | Path | None,
    seed: int,
    ranges: Mapping[str, tuple[float, float]] | None,
    batch_sizes: tuple[int, ...] | None,
    rtol: float | None,
    atol: float | None,
    tolerances: Mapping[str, tuple[float, float]] | None,
    timeout: float | None,
    memory_limit: int | None,
    keep: str | Path | None,
    on_event: Listener,
    engine: str = OURS,
    expectations: Expectations | None = None,
    policy: str = COMPUTED,
    scrutiny: Scrutiny | None = None,
    *,
    localise: bool = False,
    search: float = 0.0,
) -> Settings:
    """The keyword arguments that ``validate`` and ``convert`` share, as one value."""
    from .expectations.expected import Expectations
    from .session import Settings
    from .verdict.policies import OverridingPolicy, make_policy
    from .workers.job import SamplePlan, Scrutiny
    from .workers.parent import Limits

    base = make_policy(rtol, atol, name=policy)
    return Settings(
        plan=SamplePlan(as_path(samples), seed, ranges or {}, batch_sizes, search=search),
        policy=OverridingPolicy(base, tolerances) if tolerances else base,
        limits=Limits(timeout, memory_limit),
        on_event=on_event,
        keep=as_path(keep),
        engine=engine,
        expectations=expectations or Expectations(),
        scrutiny=scrutiny or Scrutiny(),
        localise=localise,
    )


def as_path(value: str | Path | None) -> Path | None:
    """A path that may be given as text or not at all."""
    return None if value is None else Path(value)


def as_specs(inputs: Sequence[TensorSpec | str]) -> tuple[TensorSpec, ...]:
    """Declared inputs, given as specs or as texts. Raises ParityGateError PG201."""
    from .samples import parse_input

    return tuple(parse_input(entry) if isinstance(entry, str) else entry for entry in inputs)
