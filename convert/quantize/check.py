"""What must be given with ``--quantize``, and what can't be: read before anything is opened."""

from __future__ import annotations

from dataclasses import replace

from ...validate.errors import ParityGateError
from ..options import ConvertOptions, Precision, Quantize
from ..routes.coreml.target import SPECIFICATIONS, named
from ..targets import MLPACKAGE, ONNX_MODEL, Target

_BUDGETS = "--max-flips 0.5%, --max-drop METRIC:VALUE or --min-snr DB"

_METHODS = {ONNX_MODEL: frozenset(Quantize), MLPACKAGE: frozenset({Quantize.WEIGHTS, Quantize.WEIGHTS_INT4})}
"""Target -> how it can be quantised."""

DEPLOYMENT = {Quantize.WEIGHTS: "iOS16", Quantize.WEIGHTS_INT4: "iOS18"}
"""The oldest systems that run Core ML models with such weights: coremltools' constexpr operators are theirs."""


def check_quantize(options: ConvertOptions, target: Target) -> None:
    """Raises ParityGateError PG201 where quantisation lacks samples or a budget, or doesn't fit the other options.

    Raises PG408 for a deployment target that has no such weights.
    """
    method = options.target.quantize
    if method is None:
        if options.judge.has_budget:
            cause = "a budget judges what --quantize writes; a conversion in float is held to a tolerance"
            raise ParityGateError(
                "PG201", "--max-flips, --max-drop, --min-snr", cause, "Add --quantize, or --tolerance."
            )
        return
    if options.sample.samples is None:
        cause = "it needs real data, for its budget and to calibrate"
        raise ParityGateError("PG201", method.option, cause, f"Give --samples FILE, and a budget: {_BUDGETS}.")
    if not options.judge.has_budget:
        cause = "it needs a budget: quantised numbers are beyond any tolerance of float32"
        raise ParityGateError("PG201", method.option, cause, f"Give one or several: {_BUDGETS}.")
    if options.target.precision != Precision.FP32:
        cause = f"it can't be combined with --precision {options.target.precision.value}"
        raise ParityGateError("PG201", method.option, cause, "Leave one of them out.")
    known = _METHODS.get(target, frozenset())
    if method not in known:
        cause = f"a model in .{target.name} can't be quantised so"
        others = ", ".join(each.value for each in Quantize if each in known)
        remedy = f"Choose from: {others}." if known else "Write .onnx or .mlpackage."
        raise ParityGateError("PG201", method.option, cause, remedy)
    if target is MLPACKAGE and options.coreml.deployment_target is not None:
        _check_deployment(method, options.coreml.deployment_target)


def _check_deployment(method: Quantize, given: str) -> None:
    """Raises PG408 for a system that is older than the operators for such weights."""
    needed = DEPLOYMENT[method]
    if SPECIFICATIONS[named(given)] < SPECIFICATIONS[needed]:
        cause = f"{method.option} needs {needed} or what appeared with it"
        raise ParityGateError("PG408", f"--deployment-target {given}", cause, f"--deployment-target {needed}")


def with_deployment_target(options: ConvertOptions, target: Target) -> ConvertOptions:
    """The options with the deployment target that quantised weights need, where the user left it open."""
    method = options.target.quantize
    if method is None or target is not MLPACKAGE or options.coreml.deployment_target is not None:
        return options
    return replace(options, coreml=replace(options.coreml, deployment_target=DEPLOYMENT[method]))
