"""Mixed precision: the operators of an ML Program that must stay in float32 so that the outputs pass in float16.

Operators whose operands or results overflow or underflow in float16 stay in float32 from the start. Of the others,
those whose rounding matters most are added: as many as the error of the outputs calls for, by what each value's own
error adds to it. One conversion measures, the next one proves; another one is needed only where that estimate is short.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ....validate.adapters.widths import accepting, widened
from ....validate.engines.choice import handle_for
from ....validate.errors import ParityGateError
from ....validate.events import ignore
from ....validate.options import LoadOptions
from ....validate.samples import load_outputs
from ....validate.signature import Signature
from ....validate.tasks.calls import RunCandidate
from ....validate.tasks.types import Bindings
from ....validate.workers.job_folder import JobFolder
from ..base import MIXED, RouteOptions
from ..half_precision import Operator, excess_in_half, greatest, kept_in_float32, note_on
from .build import classifier_of, precision_of
from .intermediates import errors, peaks
from .ports import Port
from .target import DeploymentTarget

Selector = Callable[[Any], bool]
"""coremltools' operator -> whether it computes in float16."""


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
    return made, (note_on(kept),)


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
        return kept_in_float32(
            operators, seen, trials.excess_with, lambda: errors(trials.half, exact, bindings, trials.job)
        )


@dataclass(frozen=True, slots=True)
class _Trials:
    """Converts and tests; ``folder`` holds the samples, the expected outputs, and the latest candidates."""

    source: Callable[[Selector], Any]
    signature: Signature
    bindings: Bindings
    job: JobFolder

    @property
    def half(self) -> Path:
        """The latest package with operators in float16."""
        return self.job.path / "half.mlpackage"

    def convert(self, kept: set[str] | None) -> tuple[Path, dict[str, Operator]]:
        """The package with ``kept`` (None: everything) in float32, and the operators whose precision was selectable."""
        chosen = _Selection(None if kept is None else frozenset(kept))
        path = self.job.path / "exact.mlpackage" if kept is None else self.half
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
        return excess_in_half(accepting(self.signature.outputs), expected, actual, self.bindings.outputs)


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
        tuple(greatest(array) for array in constants if array.dtype.kind == "f"),
    )
