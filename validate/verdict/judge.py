"""From the files that both runs left in the job folder to a report."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..adapters.widths import accepting, widened
from ..doctor import versions
from ..engines.registry import Format
from ..expectations.expected import Expectations, settle
from ..report.types import Environment, Finding, ModelSummary, Report, Severity, Tolerance
from ..samples import Sample, load_outputs, load_samples
from ..signature import Signature, TensorSpec
from ..workers.job import ACTUAL, AGAIN, EXPECTED, PAIRED, PLAIN, SAMPLES, SECOND_OPINION, Ran
from .compare import compare_outputs
from .computed import ComputedPolicy
from .engine_agreement import OPTIMISED, REFERENCE, differing
from .noise_floor import gather
from .output_checks import check_declared, check_informative
from .policies import DefaultPolicy, NarrowPolicy, Policy, coarser_dtype
from .self_check import selfcheck

if TYPE_CHECKING:
    from ..signature import Array

_CPU_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "f16c")
_HASHED_BYTES = 1 << 20
_MOST_CLASSES = 100_000
_VALUES = {"PG101", "PG106", "PG107"}
_DIFFERENCES = _VALUES | {"PG102", "PG103"}

EDGES = {"zeros", "tiny", "large"}
DEGENERATE_KINDS = EDGES | {"lengths"}
"""Generated kinds at the edge of what a model means; all others are what it is for."""


class _WidestPolicy(DefaultPolicy):
    """The default tolerance of the coarsest dtype that a faithful candidate may give.

    An estimator that is fed float32 gives float64 that is no better than float32.
    """

    def tolerance(self, spec: TensorSpec, reference: Sequence[Array], candidate_dtype: str) -> Tolerance:
        """The coarsest dtype's row."""
        coarsest = reduce(coarser_dtype, spec.accepts, candidate_dtype)
        return DefaultPolicy.tolerance(self, spec, reference, coarsest)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two models: its name for the user, its format, its run, and the file that was run, if it was one."""

    name: str
    row: Format
    ran: Ran
    file: Path | None = None


def judge(
    folder: Path,
    reference: Side,
    candidate: Side,
    outputs: Mapping[str, str],
    policy: Policy | None,
    timings: Mapping[str, float],
    *,
    route: str = "",
    notes: tuple[str, ...] = (),
    inputs: Mapping[str, str] | None = None,
    fixed: Mapping[str, int] | None = None,
    expectations: Expectations | None = None,
) -> Report:
    """Compare every output, check the reference against itself, the candidate against its own signature.

    ``outputs`` and ``inputs`` bind candidate names to reference names. ``fixed`` are the lengths of the reference's
    dynamic axes that the user wants the candidate to have and no others. Raises ParityGateError PG201 when the policy
    or ``expectations`` speak of an output that doesn't exist, or a metric fails.
    """
    expectations = expectations or Expectations()
    own_policy = policy = policy or ComputedPolicy()
    if candidate.ran.facts.precision:
        policy, said = _at_precision(policy, candidate.ran.facts.precision, reference.ran.signature)
        notes = (*notes, *said)
    signature = reference.ran.signature
    specs = accepting(signature.outputs) if candidate.row.takes_single_rows else signature.outputs
    expected, actual, again, paired = (load_outputs(folder / name) for name in (EXPECTED, ACTUAL, AGAIN, PAIRED))
    declared = check_declared(candidate.ran.signature.outputs, actual)
    if candidate.row.takes_single_rows:
        actual, narrowed = widened(actual, expected, outputs)
        notes = (*notes, *narrowed)
    samples = load_samples(folder / SAMPLES).items
    unsettled = _unsettled(signature.outputs, expected, paired)
    left_out = {number for number in unsettled if samples[number].kind in DEGENERATE_KINDS}
    compared = [number for number in range(len(samples)) if number not in left_out]
    at_edge = [samples[number].kind in EDGES for number in compared]
    policy = policy.informed(gather(folder, candidate.ran.rounding, outputs, compared, at_edge))
    unsteady = tuple(_not_deterministic(signature.outputs, expected, again, own_policy))
    expected, actual = ([answers[number] for number in compared] for answers in (expected, actual))
    disputed, settled = _opinions(folder, specs, actual, compared, outputs, policy, signature)
    rows = compare_outputs(
        specs,
        expected,
        settled,
        outputs,
        policy,
        scores=(*_scores(specs), *signature.classes),
        labels=signature.labels,
        thresholds=expectations.thresholds,
    )
    models, shown = (reference.name, candidate.name), [samples[number] for number in compared]
    rows, metrics, said_of_them = settle(expectations, rows, shown, (expected, settled), outputs, models)
    findings = (
        *unsteady,
        *disputed,
        *said_of_them,
        *(selfcheck(specs, expected[0], settled[0], outputs, policy) if compared else ()),
        *_batch_dependent(samples, unsettled, left_out),
        *declared,
        *check_informative(rows),
        *_narrowed_interface(
            signature, candidate.ran.signature, inputs or {}, Severity.ERROR if route else Severity.WARNING, fixed or {}
        ),
        *_notes(reference.ran.notes, "reference"),
        *_notes(candidate.ran.notes, "candidate"),
        *_notes(candidate.ran.rounding.notes if candidate.ran.rounding else (), "candidate"),
        *_notes(notes, "conversion"),
    )
    return Report(
        outputs=rows,
        reference=_summary(reference),
        candidate=_summary(candidate),
        samples=replace(reference.ran.samples, count=len(compared)),
        environment=_environment(candidate.row),
        findings=findings,
        route=route,
        timings=timings,
        user_metrics=metrics,
    )


def _opinions(
    folder: Path,
    specs: Sequence[TensorSpec],
    actual: Sequence[Mapping[str, Array]],
    compared: Sequence[int],
    outputs: Mapping[str, str],
    policy: Policy,
    signature: Signature,
) -> tuple[tuple[Finding, ...], Sequence[Mapping[str, Array]]]:
    """Where engines disagree about the candidate, and the answers to judge it by: without optimisation if that errs."""
    found: list[Finding] = []
    settled = actual
    for code, name in ((OPTIMISED, PLAIN), (REFERENCE, SECOND_OPINION)):
        if (folder / name).is_file():
            answers = load_outputs(folder / name)
            other, _ = widened([answers[number] for number in compared], actual, {n: n for n in outputs})
            said = tuple(differing(code, specs, actual, other, outputs, policy, signature.labels))
            found += said
            settled = other if said and code == OPTIMISED else settled
    return tuple(found), settled


def _at_precision(policy: Policy, precision: str, signature: Signature) -> tuple[Policy, tuple[str, ...]]:
    """The policy for a candidate that computes in ``precision``, said where an output of the reference is finer."""
    finer = [spec.name for spec in signature.outputs if coarser_dtype(spec.dtype, precision) != spec.dtype]
    said = f"the candidate computes in {precision}, whose tolerance holds for {', '.join(finer)}"
    return NarrowPolicy(policy, precision), (said,) if finer else ()


def _scores(specs: tuple[TensorSpec, ...]) -> tuple[str, ...]:
    """Outputs whose last axis may count classes: their greatest entries are compared too, beside the values."""
    shapes = {spec.name: spec.shape for spec in specs if spec.dtype.startswith("float")}
    return tuple(
        name for name, shape in shapes.items()
        if shape and len(shape) == 2 and isinstance(shape[1], int) and 1 < shape[1] <= _MOST_CLASSES
    )  # fmt: skip


def _not_deterministic(
    specs: tuple[TensorSpec, ...], first: list[dict[str, Any]], second: list[dict[str, Any]], policy: Policy
) -> Iterator[Finding]:
    """A reference that disagrees with itself proves nothing, whatever the candidate gives."""
    same = {spec.name: spec.name for spec in specs}
    for row in compare_outputs(specs, first[: len(second)], second, same, policy):
        if row.code in _DIFFERENCES:
            yield Finding(
                "PG307",
                Severity.ERROR,
                row.name,
                f"two runs of the reference on the same samples differ: {row.reason}",
                "Switch off dropout, random operators and hidden state before converting.",
            )


def _unsettled(
    specs: tuple[TensorSpec, ...], alone: list[dict[str, Any]], paired: list[dict[str, Any]]
) -> frozenset[int]:
    """The samples to which the reference gives another answer when they stand beside a copy of themselves.

    Judged by the default policy: a user's bound of zero is meant for the candidate, not for summing in another order.
    """
    policy = _WidestPolicy()
    same = {spec.name: spec.name for spec in specs}
    return frozenset(
        number
        for number, (single, pair) in enumerate(zip(alone, paired, strict=True))
        if pair and any(row.code in _VALUES for row in compare_outputs(specs, [single], [pair], same, policy))
    )


def _batch_dependent(samples: Sequence[Sample], unsettled: frozenset[int], left_out: set[int]) -> Iterator[Finding]:
    """A degenerate sample without a settled answer is left out, and said; any other one ends the proof."""
    for number in sorted(unsettled):
        message = f"sample {number} ({samples[number].label}): the reference answers otherwise beside a copy of the row"
        if number in left_out:
            hint = "Rounding decides the answer there: it was not compared, later samples are counted without it."
            yield Finding("PG309", Severity.WARNING, "reference", message, hint)
        else:
            hint = "Put the model into inference mode: its rows must not depend on one another."
            yield Finding("PG309", Severity.ERROR, "reference", message, hint)


def _narrowed_interface(
    reference: Signature,
    candidate: Signature,
    inputs: Mapping[str, str],
    severity: Severity,
    fixed: Mapping[str, int],
) -> Iterator[Finding]:
    """An input that is gone, or an axis that was dynamic and now is fixed, changes what the user can feed.

    A fixed axis is a fault of a conversion (``severity``) unless the user asked for this very length (``fixed``); two
    models that the user chose may differ in it.
    """
    given = {inputs.get(spec.name, spec.name): spec for spec in candidate.inputs}
    for spec in reference.inputs:
        if spec.name not in given:
            message = "the candidate has no such input: it can't influence what the converter kept of the model"
            yield Finding("PG108", Severity.WARNING, f"input {spec.name}", message)
            continue
        for axis, (wanted, got) in enumerate(zip(spec.shape or (), given[spec.name].shape or (), strict=False)):
            if isinstance(wanted, str) and fixed.get(wanted) == got:
                yield Finding("", Severity.NOTE, f"input {spec.name}", f"axis {axis} ({wanted}) is {got}, as asked for")
            elif isinstance(wanted, str) and isinstance(got, int):
                message = f"axis {axis} is dynamic ({wanted}) in the reference and fixed to {got} in the candidate"
                yield Finding("PG108", severity, f"input {spec.name}", message)


def _notes(notes: tuple[str, ...], where: str) -> Iterator[Finding]:
    for note in notes:
        yield Finding("", Severity.NOTE, where, note)


def _summary(side: Side) -> ModelSummary:
    return ModelSummary(
        path=side.name,
        format=side.row.title,
        signature=side.ran.signature,
        size=side.ran.facts.size,
        sha256=_sha256(side.file) if side.file is not None and side.file.exists() else None,
        opset=side.ran.facts.opset,
    )


def _sha256(path: Path) -> str:
    """Of a file's bytes; of a package's files in the order of their names, each name before its bytes."""
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_dir():
            continue
        if file != path:
            digest.update(file.relative_to(path).as_posix().encode())
        with file.open("rb") as written:
            while block := written.read(_HASHED_BYTES):
                digest.update(block)
    return digest.hexdigest()


def _environment(row: Format) -> Environment:
    model, flags = _cpu()
    return Environment(
        versions={"python": platform.python_version()} | versions(),
        engine="Core ML lowered to ONNX Runtime" if row.name == "coreml" else "ONNX Runtime",
        provider="CPUExecutionProvider",
        cpu=model,
        cpu_flags=tuple(flag for flag in _CPU_FLAGS if flag in flags),
    )


def _cpu() -> tuple[str, frozenset[str]]:
    """Model name and instruction set flags; Linux tells them, other systems only the architecture."""
    file = Path("/proc/cpuinfo")
    if not file.is_file():
        return platform.processor() or platform.machine(), frozenset()
    fields = dict(line.split(":", 1) for line in file.read_text().split("\n\n")[0].splitlines() if ":" in line)
    entries = {key.strip(): value.strip() for key, value in fields.items()}
    return entries.get("model name", platform.machine()), frozenset(entries.get("flags", "").split())
