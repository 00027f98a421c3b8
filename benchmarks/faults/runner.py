"""Run each mutant of a model, and let each judge compare it with the reference."""

from __future__ import annotations

import hashlib
import itertools
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from paritygate.validate.conclude import HowConverted, Side, conclude
from paritygate.validate.engines.handle import ModelHandle
from paritygate.validate.errors import ParityGateError
from paritygate.validate.events import ignore
from paritygate.validate.expectations.expected import Expectations
from paritygate.validate.noise.request import Measurements
from paritygate.validate.report.report import Report
from paritygate.validate.samples import load_outputs
from paritygate.validate.session import with_classes
from paritygate.validate.tasks.calls import RunCandidate
from paritygate.validate.tasks.types import ModelRun
from paritygate.validate.verdict.computed import ComputedPolicy
from paritygate.validate.workers.job_folder import JobFolder

from . import floor
from .forms import FORMS
from .graphs import Mutant
from .judges import GATE, OTHER_TOOLS
from .mutations import FAMILY_OF
from .prepare import SEEDS, Prepared

Runs = list[dict[str, np.ndarray[Any, Any]]]

MOST = 2
"""Mutants of each model and mutation."""

FAULT, BELOW, UNCHANGED, UNREACHED, REFUSED = "fault", "below the floor", "unchanged", "unreached", "does not run"
"""The classes of mutants; see docs/verdict-theory.md."""


@dataclass(frozen=True)
class CandidateRun:
    """A candidate's outputs under the reference's names, and the run that paritygate judges."""

    path: Path
    ran: ModelRun
    outputs: Runs


def run_file(model: Prepared, job: JobFolder, path: Path, measurements: Measurements | None = None) -> CandidateRun:
    """Run a candidate on a job's samples; ``measurements`` are for the gate. Raises ParityGateError if it fails."""
    candidate = model.candidate
    bindings = with_classes(candidate.bindings, model.runs[SEEDS[0]])
    handle = ModelHandle.of(path, model.target.format)
    done = RunCandidate(job, handle, bindings, measurements).run(ignore)
    return CandidateRun(path, done, _renamed(load_outputs(job.actual), candidate.outputs))


def _renamed(outputs: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> Runs:
    return [{names.get(name, name): array for name, array in output.items()} for output in outputs]


def gate(model: Prepared, seed: int, candidate: CandidateRun) -> Report:
    """The gate's own report on a candidate that has just run in the seed's job folder: all that a conversion does."""
    return conclude(
        model.job(seed),
        Side(model.name, model.source.format, model.runs[seed]),
        Side(str(candidate.path), model.target.format, candidate.ran, candidate.path),
        model.candidate.bindings,
        ComputedPolicy(),
        Expectations(),
        {},
        HowConverted(model.candidate.route),
    )


def left_out(report: Report) -> set[int]:
    """The samples on which the reference's own outputs are unstable: no judge sees them."""
    found = (re.match(r"sample (\d+) ", f.message) for f in report.findings if f.code == "PG309")
    return {int(match[1]) for match in found if match}


def false_alarms(model: Prepared) -> Iterator[dict[str, Any]]:
    """The verdict of each judge on the correct conversion, one record per seed of samples."""
    for seed in SEEDS:
        start = time.perf_counter()
        correct = run_file(model, model.job(seed), model.candidate.path, Measurements())
        report = gate(model, seed, correct)
        seconds = time.perf_counter() - start
        skipped = left_out(report)
        expected = load_outputs(model.job(seed).expected)
        yield {
            "model": model.name,
            "family": model.family,
            "seed": seed,
            "alarms": {GATE: not report.passed} | _alarms(*_paired(expected, correct.outputs, skipped)),
            "detail": "" if report.passed else detail(report),
            "seconds": round(seconds, 3),
        }


def _without(runs: Sequence[Any], skipped: set[int]) -> list[Any]:
    return [run for number, run in enumerate(runs) if number not in skipped]


def _paired(expected: Runs, correct: Runs, skipped: set[int]) -> tuple[Runs, Runs]:
    """The kept samples of reference and correct conversion; the reference's in the correct conversion's dtype.

    scikit-learn computes in float64 what an ONNX file outputs as float32; torch's rule, which compares dtypes, would
    reject every estimator.
    """
    return as_correct(_without(expected, skipped), _without(correct, skipped)), _without(correct, skipped)


def as_correct(expected: Runs, correct: Runs) -> Runs:
    """The reference's arrays, numbers in the dtype of the correct conversion."""
    return [
        {
            name: array.astype(good[name].dtype) if _narrower(array, good.get(name)) else array
            for name, array in want.items()
        }
        for want, good in zip(expected, correct, strict=True)
    ]


def _narrower(array: Any, good: Any) -> bool:
    return (
        good is not None
        and array.dtype != good.dtype
        and array.dtype.kind == good.dtype.kind
        and array.dtype.kind in "fi"
    )


def _alarms(expected: Runs, actual: Runs) -> dict[str, bool]:
    return {name: not accepts(expected, actual) for name, accepts in OTHER_TOOLS.items()}


def detail(report: Report) -> str:
    """The reasons why a report doesn't pass."""
    outputs = [f"{output.name}: [{output.code}] {output.reason}" for output in report.outputs if not output.passed]
    errors = [f"[{f.code}] {f.where}: {f.message}" for f in report.findings if f.severity == "error"]
    return "; ".join(outputs + errors)


class Bench:
    """A model with its correct outputs and its noise floor, to judge mutants against."""

    def __init__(self, model: Prepared, draw: int = 0) -> None:
        """``draw`` selects other mutants of the same kinds, to test on mutants that no tolerance was tuned on."""
        self.model = model
        self._draw = (str(draw),) if draw else ()
        self.form = FORMS[model.target.name]
        self.proto = self.form.read(model.candidate.path)
        self._file = model.folder / f"mutant{model.target.suffix}"
        correct = run_file(model, model.job(0), model.candidate.path, Measurements())
        self._skipped = left_out(gate(model, 0, correct))
        self._expected = self._kept(load_outputs(model.job(0).expected))
        self._correct = self._kept(correct.outputs)
        self._wanted = as_correct(self._expected, self._correct)
        self._unseen = run_file(model, model.unseen, model.candidate.path).outputs
        widths = {spec.name: spec.accepts for spec in model.runs[SEEDS[0]].signature.outputs}
        self.floor = floor.Floor(self._expected, self._correct, floor.perturbed_runs(self._perturbed), widths)

    def _kept(self, runs: Sequence[Any]) -> list[Any]:
        return _without(runs, self._skipped)

    def _perturbed(self, rng: np.random.Generator) -> Runs:
        return self._kept(self._run(self.form.perturbed(self.proto, rng), self.model.job(0)).outputs)

    def _run(self, proto: Any, job: JobFolder, measurements: Measurements | None = None) -> CandidateRun:
        self.form.write(proto, self._file)
        return run_file(self.model, job, self._file, measurements)

    def kinds(self, most: int | None) -> list[str]:
        """The kinds of mutation to apply, in the catalogue's order; the choice depends on the draw and the name."""
        names = list(self.form.mutations)
        chosen = _generator(self.model.name, *self._draw).permutation(len(names))[:most]
        return [names[number] for number in sorted(chosen)]

    def mutants(self, name: str, most: int = MOST) -> list[Mutant]:
        """The first few mutants of a kind; the choice depends on the draw and the names."""
        found = self.form.mutations[name](self.proto, _generator(self.model.name, name, *self._draw))
        return list(itertools.islice(found, most))

    def record(self, name: str, number: int, mutant: Mutant) -> dict[str, Any]:
        """The class of a mutant, and which judges caught it."""
        about = {
            "model": self.model.name,
            "family": self.model.family,
            "mutation": name,
            "kind": FAMILY_OF[name],
            "number": number,
            "place": mutant.place,
            "change": mutant.change,
        }
        start = time.perf_counter()
        try:
            run = self._run(mutant.model, self.model.job(0), Measurements())
        except ParityGateError as error:
            return about | {"class": REFUSED, "detail": f"[{error.code}] {error.cause}"[:200]}
        passed, reasons, allowed = self._verdict(run)
        seconds = round(time.perf_counter() - start, 3)
        verdict = {"detail": reasons, "allowed": allowed, "seconds": seconds}
        return about | self._judged(mutant, run, passed=passed) | verdict

    def _verdict(self, run: CandidateRun) -> tuple[bool, str, str]:
        """Whether paritygate passes it, the reasons if not, and what it allowed; a crash counts as a miss."""
        try:
            report = gate(self.model, 0, run)
        except Exception as error:  # noqa: BLE001  # any crash is listed among the misses
            return True, f"paritygate crashed: {type(error).__name__}: {error}", ""
        return report.passed, detail(report), _allowed(report)

    def _judged(self, mutant: Mutant, run: CandidateRun, *, passed: bool) -> dict[str, Any]:
        given = self._kept(run.outputs)
        excess, output, change, noise = self.floor.excess(given)
        found = {GATE: not passed} | _alarms(self._wanted, given)
        return {
            "class": self._class(mutant, given, excess),
            "excess": excess,
            "output": output,
            "moved": change,
            "floor": noise,
            "caught": found,
        }

    def _class(self, mutant: Mutant, given: Runs, excess: float) -> str:
        if mutant.hidden:
            return FAULT
        if not _same(self._correct, given):
            return FAULT if excess > floor.FACTOR else BELOW
        try:
            unseen = self._run(mutant.model, self.model.unseen).outputs
        except ParityGateError:
            return UNREACHED
        return UNCHANGED if _same(self._unseen, unseen) else UNREACHED


def _generator(*names: str) -> np.random.Generator:
    digest = hashlib.blake2b("\0".join(names).encode(), digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))


def _same(one: Runs, other: Runs) -> bool:
    """Whether two candidates gave the same bits."""
    return all(
        list(a) == list(b) and all(a[n].dtype == b[n].dtype and a[n].shape == b[n].shape for n in a)
        and all(a[name].tobytes() == b[name].tobytes() for name in a)
        for a, b in zip(one, other, strict=True)
    )  # fmt: skip


def _allowed(report: Report) -> str:
    """The worst element of each output that passed, with its allowance, for the calibration of the verdict."""
    return "; ".join(f"{each.name}: {each.worst}" for each in report.outputs if each.passed and each.worst)[:300]
