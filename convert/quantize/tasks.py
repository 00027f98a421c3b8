"""What the worker that quantises does."""

from __future__ import annotations

import importlib
import math
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from ...validate.engines.registry import COREML, ONNX
from ...validate.errors import ParityGateError
from ...validate.events import Event, Listener, ignore
from ...validate.expectations.counted import counted_samples
from ...validate.samples import load_outputs, load_samples
from ...validate.tasks.calls import RunCandidate
from ...validate.tasks.candidate import AdaptedSamples, adapt_samples, run_candidate
from ...validate.tasks.reference import load_model
from ...validate.verdict.budgets.bounded import ANYTHING
from ...validate.verdict.metrics import measure
from ..export import use_free_data_name
from .calls import Layer, MeasureCosts, Quantiser, QuantizedRun, RunQuantized

if TYPE_CHECKING:
    from ...validate.signature import Array, Feed

_ROWS = 512
"""Rows on which a layer's cost is measured: it orders the layers, the budget itself is counted on all rows."""

_MODULES = {ONNX: "onnx_models", COREML: "coreml_models"}
"""Format -> the module with its quantisers."""


class _Quantisers(Protocol):
    """What such a module has."""

    def prepare(self, quantiser: Quantiser) -> tuple[Layer, ...]:
        """Write ``quantiser.prepared`` and list its layers."""

    def write(self, quantiser: Quantiser, destination: Path, chosen: Collection[str], feeds: Sequence[Feed]) -> None:
        """Write the model with the chosen layers quantised; ``feeds`` calibrate."""


def run_quantized(call: RunQuantized, on_event: Listener) -> QuantizedRun:
    """Prepare the model once, quantise, run."""
    quantiser = call.quantiser
    on_event(Event("quantise"))
    layers = call.layers or _found(quantiser)
    samples = load_samples(quantiser.job.samples).items
    feeds = [samples[number].feed for number in counted_samples(samples)]
    chosen = [layer.name for layer in layers if layer.name not in call.kept]
    _write(quantiser, call.destination, chosen, feeds)
    use_free_data_name(call.destination, call.output)
    handle = replace(quantiser.model, source=call.destination)
    return QuantizedRun(layers, run_candidate(RunCandidate(quantiser.job, handle, call.bindings), on_event))


def _found(quantiser: Quantiser) -> tuple[Layer, ...]:
    layers = _quantisers(quantiser).prepare(quantiser)
    if not layers:
        cause = f"it has no layer whose weights {quantiser.method.option} can quantise"
        raise ParityGateError("PG415", quantiser.model.short_name, cause, "Try another --quantize, or leave it out.")
    return layers


def measure_costs(call: MeasureCosts, on_event: Listener) -> Mapping[str, float]:
    """Quantise one layer at a time, and run it on some of the user's samples."""
    quantiser = call.quantiser
    expected, numbers = load_outputs(quantiser.job.expected), _some(quantiser)
    feeds = load_samples(quantiser.job.samples).feeds
    path = quantiser.prepared.with_name(f"one{quantiser.prepared.suffix}")
    handle = replace(quantiser.model, source=path)
    costs = {}
    for number, layer in enumerate(call.layers):
        on_event(Event("measure layers", number, len(call.layers)))
        _write(quantiser, path, [layer.name], [feeds[n] for n in numbers])
        model = load_model(handle)
        adapted = adapt_samples(model, quantiser.model.format, call.bindings, feeds, expected).only(numbers)
        costs[layer.name] = _least_snr(adapted, adapted.outputs_of(model, ignore))
    return costs


def _quantisers(quantiser: Quantiser) -> _Quantisers:
    module = importlib.import_module(f"{__package__}.{_MODULES[quantiser.model.format]}")
    return cast(_Quantisers, module)


def _write(quantiser: Quantiser, path: Path, chosen: Collection[str], feeds: Sequence[Feed]) -> None:
    """Write over what is there. Raises PG415 with a quantiser's own reason."""
    shutil.rmtree(path, ignore_errors=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        _quantisers(quantiser).write(quantiser, path, chosen, feeds)
    except ParityGateError:
        raise
    except Exception as error:  # the quantisers raise ValueError, RuntimeError, AssertionError, ONNX Runtime's own ...
        cause = f"it can't be quantised: {type(error).__name__}: {error}"
        raise ParityGateError("PG415", quantiser.model.short_name, cause, "Try another --quantize.") from error


def _some(quantiser: Quantiser) -> list[int]:
    """The first of the user's samples, about :data:`_ROWS` rows of them."""
    samples = load_samples(quantiser.job.samples).items
    chosen: list[int] = []
    rows = 0
    for number in counted_samples(samples):
        if rows < _ROWS:
            chosen.append(number)
            rows += samples[number].batch or 1
    return chosen


def _least_snr(adapted: AdaptedSamples, outputs: Sequence[Mapping[str, Array]]) -> float:
    """In dB, over all outputs; text counts the share of its elements that differ as noise."""
    ratios = []
    for name, partner in adapted.bound.items():
        want, got = [each[partner] for each in adapted.expected], [each[name] for each in outputs]
        ratios.append(_snr(want, got))
    return min(ratios, default=math.inf)


def _snr(want: Sequence[Array], got: Sequence[Array]) -> float:
    if want[0].dtype.kind == "U":
        wrong = sum(int((left != right).sum()) for left, right in zip(want, got, strict=True))
        return 10 * math.log10(sum(left.size for left in want) / wrong) if wrong else math.inf
    errors = measure(want, got, ANYTHING)[0].errors
    return -math.inf if errors is None or errors.snr_db is None else errors.snr_db
