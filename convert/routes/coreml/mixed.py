"""Mixed precision: the operators of an ML Program that must stay in float32 so that the outputs pass in float16.

Operators whose operands or results overflow or underflow in float16 stay in float32 from the start. Of the others,
those whose rounding matters most are added: as many as the error of the outputs calls for, by what each value's own
error adds to it. One conversion measures, the next one proves; another one is needed only where that estimate is short.
"""

from __future__ import annotations

import math
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ....validate.adapters.widths import accepting, widened
from ....validate.engines.choice import handle_for
from ....validate.errors import ParityGateError
from ....validate.events import ignore
from ....validate.noise.headroom import LARGEST, SMALLEST
from ....validate.options import LoadOptions
from ....validate.samples import load_outputs
from ....validate.signature import Signature, TensorSpec
from ....validate.tasks.calls import RunCandidate
from ....validate.tasks.types import Bindings
from ....validate.verdict.compare import compare_outputs
from ....validate.verdict.policies import DefaultPolicy
from ....validate.workers.job_folder import JobFolder
from ..base import MIXED, RouteOptions
from .build import classifier_of, precision_of
from .intermediates import errors, peaks
from .ports import Port
from .target import DeploymentTarget

if TYPE_CHECKING:
    from ....validate.report.types import OutputComparison, Tolerance
    from ....validate.signature import Array

Selector = Callable[[Any], bool]
"""coremltools' operator -> whether it computes in float16."""

_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator at the time when coremltools selects its precision.

    ``operands`` are the computed values that it reads, ``constants`` the greatest magnitudes of its constants.
    """

    name: str
    kind: str
    operands: tuple[str, ...]
    constants: tuple[float, ...]


@dataclass(slots=True)
class _Selection:
    """A selector: everything except ``kept`` goes to float16. It records the operators that it is called with."""

    kept: frozenset[str] | None
    seen: dict[str, Operator] = field(default_factory=dict)

    def __call__(self, op: Any) -> bool:
        operator = _described(op)
        if operator.kind != "const":
            self.seen[operator.name] = operator
        return self.kept is not None and operator.name not in self.kept


def convert_precisely(
    convert: Callable[..., Any],
    signature: Signature,
    ports: Sequence[Port],
    names: tuple[Mapping[str, str], Mapping[str, str]],
    options: RouteOptions,
    target: DeploymentTarget,
    classes: Mapping[str, Any] | None = None,
) -> tuple[Any, tuple[str, ...]]:
    """The MLModel of ``convert(**more)`` in the precision and with the classes of ``options``, and notes.

    ``classes`` is the classifier's configuration if the source itself has labels. ``more`` are arguments for
    :func:`.build.convert_with`. ``convert`` may be called many times and returns a new MLModel each time. ``names`` are
    the features of that model by the source's inputs and outputs. Raises PG201 for mixed precision without samples.
    """
    classes = classifier_of(signature, options) if classes is None else classes
    if options.precision != MIXED:
        return convert(**classes, **precision_of(options, target)), ()
    if options.evidence is None:
        raise ParityGateError("PG201", "mixed precision", "it needs samples, and there are none")
    images = {names[0][port.source]: port.image for port in ports if port.image}
    inputs, outputs = ({feature: source for source, feature in each.items()} for each in names)
    bindings = Bindings(inputs, outputs, {}, images)
    kept = operators_in_float32(
        lambda selector: convert(**precision_of(options, target, selector)), signature, bindings, options.evidence
    )
    made = convert(**classes, **precision_of(options, target, _Selection(frozenset(kept))))
    return made, (_note(kept),)


def operators_in_float32(
    convert: Callable[[Selector], Any], signature: Signature, bindings: Bindings, evidence: JobFolder
) -> dict[str, Operator]:
    """The operators that must stay in float32, by name, so that the outputs in ``evidence`` pass.

    ``convert`` makes an MLModel for a selector; ``bindings`` map its features to the source's inputs and outputs.
    """
    with tempfile.TemporaryDirectory() as folder:
        trials = _Trials(convert, signature, bindings, JobFolder(Path(folder)))
        for file in (evidence.samples, evidence.expected):
            shutil.copy(file, folder)
        exact, operators = trials.convert(None)
        seen = peaks(exact, bindings, trials.job)
        outside = {name for name, operator in operators.items() if _outside(operator, seen)}
        half, _ = trials.convert(outside)
        excess = trials.excess(half)
        if excess <= 1:
            return {name: operators[name] for name in outside}
        costs = _costs(operators, errors(half, exact, bindings, trials.job), outside)
        ranked = sorted(costs, key=lambda name: -costs[name])
        count = enough(
            [costs[name] for name in ranked], excess, lambda n: trials.excess_with(outside.union(ranked[:n]))
        )
        return {name: operators[name] for name in outside.union(ranked[:count])}


_AIM = 0.5
"""The share of the allowance that the estimate aims at: it knows the errors of these samples only to a factor."""


def enough(costs: Sequence[float], excess: float, tried: Callable[[int], float]) -> int:
    """How many of the operators, the costliest first, must stay in float32 so that the excess is at most 1.

    ``costs`` are in descending order, ``excess`` is how many times the allowance the outputs are off with none of them,
    ``tried`` measures that with a number of them. Roundings add up like independent errors, by their squares: what the
    last trial left over tells how much more is needed.
    """
    rest = np.sqrt(np.cumsum(np.square(np.asarray(costs, np.float64))[::-1])[::-1])
    count = 0
    while excess > 1 and count < len(costs):
        wanted = rest[count] * _AIM / excess
        estimate = int(np.count_nonzero(rest > wanted))
        count = min(max(estimate, count + 1 + count // 2), len(costs))
        excess = tried(count)
    return count


@dataclass(frozen=True, slots=True)
class _Trials:
    """Converts and tests; ``folder`` holds the samples, the expected outputs, and the latest candidates."""

    source: Callable[[Selector], Any]
    signature: Signature
    bindings: Bindings
    job: JobFolder

    def convert(self, kept: set[str] | None) -> tuple[Path, dict[str, Operator]]:
        """The package with ``kept`` (None: everything) in float32, and the operators whose precision was selectable."""
        chosen = _Selection(None if kept is None else frozenset(kept))
        path = self.job.path / f"{'exact' if kept is None else 'half'}.mlpackage"
        shutil.rmtree(path, ignore_errors=True)
        self.source(chosen).save(str(path))
        return path, chosen.seen

    def excess_with(self, kept: set[str]) -> float:
        """The excess of the package with ``kept`` in float32."""
        return self.excess(self.convert(kept)[0])

    def excess(self, path: Path) -> float:
        """How many times what float16's tolerance allows the outputs are off; at most 1 if, and only if, all pass."""
        RunCandidate(self.job, handle_for(path, LoadOptions()), self.bindings).run(ignore)
        expected, actual = load_outputs(self.job.expected), load_outputs(self.job.actual)
        actual, _ = widened(actual, expected, self.bindings.outputs)
        specs = accepting(self.signature.outputs)
        rows = compare_outputs(specs, expected, actual, self.bindings.outputs, _Half())
        return max((_excess(row) for row in rows if not row.passed), default=1.0)


def _excess(row: OutputComparison) -> float:
    """Infinite where the error has no size: NaN, another shape, nothing allowed."""
    worst = row.worst
    if worst is None or not worst.error or not worst.allowed:
        return math.inf
    return max(worst.error / worst.allowed, math.nextafter(1.0, 2.0))


class _Half(DefaultPolicy):
    """The default tolerance of float16, whatever the dtype of the output."""

    def tolerance(self, spec: TensorSpec, reference: Sequence[Array], candidate_dtype: str) -> Tolerance:
        """The tolerance for float16; integers stay exact."""
        return DefaultPolicy.tolerance(self, spec, reference, "float16")


def plain(name: str) -> str:
    """A value's name in the finished program."""
    name = re.sub(r"\W", "_", name, flags=re.ASCII)
    return f"_{name}" if name[:1].isdigit() else name


def _described(op: Any) -> Operator:
    values = [
        value for given in op.inputs.values() for value in (given if isinstance(given, list | tuple) else [given])
    ]
    fixed = [value for value in values if value.val is not None]
    constants = [np.asarray(value.val) for value in fixed]
    return Operator(
        plain(op.outputs[0].name) if op.outputs else op.name,
        op.op_type,
        tuple(plain(value.name) for value in values if value.val is None),
        tuple(_greatest(array) for array in constants if array.dtype.kind == "f"),
    )


def _greatest(array: Array) -> float:
    """The greatest finite magnitude: infinities are infinities in float16 too."""
    finite = np.abs(array[np.isfinite(array) & (np.abs(array) < 1e38)])
    return float(finite.max(initial=0))


def _outside(operator: Operator, seen: Mapping[str, float]) -> bool:
    """Whether one of its values overflows in float16, or is subnormal in all its elements."""
    known = [seen[name] for name in (operator.name, *operator.operands) if name in seen]
    return any(peak > LARGEST or 0 < peak < SMALLEST for peak in (*known, *operator.constants))


def _costs(operators: Mapping[str, Operator], wrong: Mapping[str, float], outside: set[str]) -> dict[str, float]:
    """How much the rounding of each remaining operator adds to the outputs' error, on a scale of their own.

    An operator's gain is its amplification of its operands' error, without its own rounding; a value's weight is the
    greatest product of gains on a path from it to an output. Rounding an operator's result costs its weight, rounding
    its operands its weight times its gain.
    """
    weights: dict[str, float] = {}
    scores: dict[str, float] = {}
    for name, operator in reversed(list(operators.items())):
        given = max((wrong.get(operand, 0.0) for operand in operator.operands), default=0.0)
        gain = min(max(wrong.get(name, 0.0) - _ROUNDING, 0.0), _ENORMOUS) / min(max(given, _ROUNDING), _ENORMOUS)
        weight = weights.get(name, 1.0)
        scores[name] = weight * max(gain, 1.0)
        for operand in operator.operands:
            weights[operand] = max(weights.get(operand, 0.0), weight * gain)
    return {name: score for name, score in scores.items() if name not in outside}


_ROUNDING, _ENORMOUS = 2.0**-11, 1e6
"""The maximum relative error of rounding to float16; a relative error at which a value is meaningless."""


def _note(kept: Mapping[str, Operator]) -> str:
    if not kept:
        return "mixed precision: every operator computes in float16"
    shown = ", ".join(f"{operator.kind} ({name})" for name, operator in list(kept.items())[:_SHOWN])
    more = f" and {len(kept) - _SHOWN} more" if len(kept) > _SHOWN else ""
    return f"mixed precision: {len(kept)} operators stay in float32: {shown}{more}"
