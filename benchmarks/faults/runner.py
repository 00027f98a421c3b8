"""Each mutant of a model before each judge."""

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
from .judges import GATE, RIVALS
from .mutations import FAMILY_OF
from .prepare import SEEDS, Prepared

Runs = list[dict[str, np.ndarray[Any, Any]]]

MOST = 2
"""Mutants of each model and mutation."""

FAULT, BELOW, UNCHANGED, UNREACHED, REFUSED = "fault", "below the floor", "unchanged", "unreached", "does not run"
"""What becomes of a mutant before it is judged; see docs/verdict.md."""


@dataclass(frozen=True)
class Answer:
    """A candidate's outputs under the reference's names, and the run that the gate judges."""

    path: Path
    ran: ModelRun
    outputs: Runs


def ran(model: Prepared, job: JobFolder, path: Path, measurements: Measurements | None = None) -> Answer:
    """Run a candidate on a job's samples; ``measurements`` are for the gate. Raises ParityGateError if it fails."""
    candidate = model.candidate
    bindings = with_classes(candidate.bindings, model.runs[SEEDS[0]])
    handle = ModelHandle.of(path, model.target.format)
    done = RunCandidate(job, handle, bindings, measurements).run(ignore)
    return Answer(path, done, _renamed(load_outputs(job.actual), candidate.outputs))


def _renamed(outputs: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> Runs:
    return [{names.get(name, name): array for name, array in output.items()} for output in outputs]


def gate(model: Prepared, seed: int, answer: Answer) -> Report:
    """The gate's own report on a candidate that has just run in the seed's job folder: all that a conversion does."""
    return conclude(
        model.job(seed),
        Side(model.name, model.source.format, model.runs[seed]),
        Side(str(answer.path), model.target.format, answer.ran, answer.path),
        model.candidate.bindings,
        ComputedPolicy(),
        Expectations(),
        {},
        HowConverted(model.candidate.route),
    )


def left_out(report: Report) -> set[int]:
    """The samples that the reference itself has no settled answer for: nobody shall judge by them."""
    found = (re.match(r"sample (\d+) ", f.message) for f in report.findings if f.code == "PG309")
    return {int(match[1]) for match in found if match}


def false_alarms(model: Prepared) -> Iterator[dict[str, Any]]:
    """What each judge makes of the correct conversion, one record per seed of samples."""
    for seed in SEEDS:
        start = time.perf_counter()
        answer = ran(model, model.job(seed), model.candidate.path, Measurements())
        report = gate(model, seed, answer)
        seconds = time.perf_counter() - start
        skipped = left_out(report)
        expected = load_outputs(model.job(seed).expected)
        yield {
            "model": model.name,
            "family": model.family,
            "seed": seed,
            "alarms": {GATE: not report.passed} | _alarms(*_paired(expected, answer.outputs, skipped)),
            "detail": "" if report.passed else detail(report),
            "seconds": round(seconds, 3),
        }


def _without(runs: Sequence[Any], skipped: set[int]) -> list[Any]:
    return [run for number, run in enumerate(runs) if number not in skipped]


def _paired(expected: Runs, correct: Runs, skipped: set[int]) -> tuple[Runs, Runs]:
    """Both sides' kept samples; the reference's in the dtype that the correct conversion has.

    scikit-learn computes in float64 what an ONNX file gives as float32: a rule that compares dtypes, torch's, would
    find fault with every estimator.
    """
    return as_correct(_without(expected, skipped), _without(correct, skipped)), _without(correct, skipped)


def as_correct(expected: Runs, correct: Runs) -> Runs:
    """The reference's arrays, numbers in the dtype of the correct conversion's."""
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
    return {name: not accepts(expected, actual) for name, accepts in RIVALS.items()}


def detail(report: Report) -> str:
    """What speaks against a pass."""
    rows = [f"{row.name}: [{row.code}] {row.reason}" for row in report.outputs if not row.passed]
    return "; ".join(rows + [f"[{f.code}] {f.where}: {f.message}" for f in report.findings if f.severity == "error"])


class Bench:
    """A model with its correct answers and its noise floor, ready for mutants."""

    def __init__(self, model: Prepared, draw: int = 0) -> None:
        """``draw`` picks other mutants of the same kinds: a gate that was tuned on one choice is tested on another."""
        self.model = model
        self._draw = (str(draw),) if draw else ()
        self.form = FORMS[model.target.name]
        self.proto = self.form.read(model.candidate.path)
        self._file = model.folder / f"mutant{model.target.suffix}"
        correct = ran(model, model.job(0), model.candidate.path, Measurements())
        self._skipped = left_out(gate(model, 0, correct))
        self._expected = self._kept(load_outputs(model.job(0).expected))
        self._correct = self._kept(correct.outputs)
        self._wanted = as_correct(self._expected, self._correct)
        self._unseen = ran(model, model.unseen, model.candidate.path).outputs
        widths = {spec.name: spec.accepts for spec in model.runs[SEEDS[0]].signature.outputs}
        self.floor = floor.Floor(self._expected, self._correct, floor.shaken_runs(self._shaken), widths)

    def _kept(self, runs: Sequence[Any]) -> list[Any]:
        return _without(runs, self._skipped)

    def _shaken(self, rng: np.random.Generator) -> Runs:
        return self._kept(self._answer(self.form.shaken(self.proto, rng), self.model.job(0)).outputs)

    def _answer(self, proto: Any, job: JobFolder, measurements: Measurements | None = None) -> Answer:
        self.form.write(proto, self._file)
        return ran(self.model, job, self._file, measurements)

    def kinds(self, most: int | None) -> list[str]:
        """The kinds of mutation to try, in the catalogue's order; the choice depends on the model's name alone."""
        names = list(self.form.mutations)
        chosen = _generator(self.model.name, *self._draw).permutation(len(names))[:most]
        return [names[number] for number in sorted(chosen)]

    def mutants(self, name: str, most: int = MOST) -> list[Mutant]:
        """The first few mutants of a kind; the choice depends on the draw and the names alone."""
        found = self.form.mutations[name](self.proto, _generator(self.model.name, name, *self._draw))
        return list(itertools.islice(found, most))

    def record(self, name: str, number: int, mutant: Mutant) -> dict[str, Any]:
        """What became of a mutant, and who noticed it."""
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
            answer = self._answer(mutant.model, self.model.job(0), Measurements())
        except ParityGateError as error:
            return about | {"class": REFUSED, "detail": f"[{error.code}] {error.cause}"[:200]}
        passed, said, allowed = self._verdict(answer)
        seconds = round(time.perf_counter() - start, 3)
        verdict = {"detail": said, "allowed": allowed, "seconds": seconds}
        return about | self._judged(mutant, answer, passed=passed) | verdict

    def _verdict(self, answer: Answer) -> tuple[bool, str, str]:
        """Whether the gate passes it, what it says against it, and what it allowed; a crash is no fault found."""
        try:
            report = gate(self.model, 0, answer)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is a miss to be listed
            return True, f"the gate crashed: {type(error).__name__}: {error}", ""
        return report.passed, detail(report), _allowed(report)

    def _judged(self, mutant: Mutant, answer: Answer, *, passed: bool) -> dict[str, Any]:
        given = self._kept(answer.outputs)
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
        if not _same(self._correct, given):
            return FAULT if excess > floor.FACTOR else BELOW
        try:
            unseen = self._answer(mutant.model, self.model.unseen).outputs
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
    """The worst element of each output that passed, with what was allowed there: for whoever calibrates the gate."""
    return "; ".join(f"{row.name}: {row.worst}" for row in report.outputs if row.passed and row.worst)[:300]
