"""What the user is told of a quantisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..options import Quantize
from .calls import Layer

if TYPE_CHECKING:
    from ...validate.report.report import Report

_SHOWN = 8

_WHAT = {
    Quantize.DYNAMIC: "weights in 8 bits, activations in 8 bits as they come",
    Quantize.STATIC: "weights and activations in 8 bits, their ranges from the samples",
    Quantize.WEIGHTS: "weights in 8 bits, arithmetic in float32",
    Quantize.WEIGHTS_INT4: "weights in 4 bits by blocks, arithmetic in float32",
}


def proved_note(report: Report) -> str:
    """That the float32 conversion passed before anything was quantised, and by what."""
    passed = sum(output.passed for output in report.outputs)
    return (
        f"the float32 conversion was proved first: {passed} of {len(report.outputs)} outputs agree on "
        f"{report.samples.count} samples (route {report.route})"
    )


def quantised_note(method: Quantize, layers: Sequence[Layer], kept: Sequence[Layer]) -> str:
    """What was quantised."""
    done = [layer for layer in layers if layer not in kept]
    some, total = (sum(layer.weights for layer in each) for each in (done, layers))
    return (
        f"{method.value}: {_WHAT[method]}; {len(done)} of {len(layers)} layers with {some:,} of their {total:,} "
        f"weights: {_listed([str(layer) for layer in done])}"
    )


def kept_note(kept: Sequence[Layer], costs: Mapping[str, float]) -> str:
    """Which layers stay in float32, with what each of them costs."""
    return f"kept in float32, so that the budget holds: {_listed([_with_cost(layer, costs) for layer in kept])}"


def costs_note(layers: Sequence[Layer], costs: Mapping[str, float]) -> str:
    """Why nothing could be quantised: what each layer costs, the costliest first."""
    ranked = sorted(layers, key=lambda layer: costs[layer.name])
    return (
        "the budget fails even with a single layer quantised, so nothing was written; what each layer costs alone: "
        f"{_listed([_with_cost(layer, costs) for layer in ranked])}"
    )


def _with_cost(layer: Layer, costs: Mapping[str, float]) -> str:
    return f"{layer} (quantised alone: {costs[layer.name]:.1f} dB)"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
