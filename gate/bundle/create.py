"""From a proved conversion to the files of a bundle."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...convert.conversion import Compared, Unpublished
from ...validate.errors import ParityGateError
from ...validate.report.document import Document, Entry
from ...validate.report.environment import sha256_of
from ...validate.report.render.json import plain, render_report
from ...validate.report.render.markdown import render_markdown
from ...validate.report.types import OutputComparison
from ...validate.report.user_checks import Source
from ...validate.verdict.judge import Bounds, bounds_of
from .archive import names_in
from .card import card_of
from .layout import ALLOWED, DATA, FACTS, MODEL, REPORT, Facts, SampleFacts, encode
from .manifest import write_sums
from .redact import redacted_report
from .tensors import set_folder, write_tensors

if TYPE_CHECKING:
    from ...validate.report.report import Report
    from ...validate.signature import Array


@dataclass(frozen=True, slots=True)
class Contents:
    """What the user adds to a bundle: an SPDX identifier or "", a licence text, and whether values are left out."""

    licence: str = ""
    licence_file: Path | None = None
    redact: bool = False


def write_bundle(folder: Path, output: Path, found: Unpublished, format: str, contents: Contents) -> None:
    """Write a proved conversion's bundle into ``folder``, where ``model/`` has the artifact already.

    Its report is :func:`own_report`'s. ``output`` is the artifact's path, ``format`` the name of its format.
    Raises ParityGateError PG240 for a proof that can't be repeated without the source, PG202 for the licence file.
    """
    assert found.compared is not None
    compared = found.compared()
    _check_repeatable(found.report.outputs)
    bounds = bounds_of(compared.comparison, compared.policy, found.report.outputs)
    report = redacted_report(found.report) if contents.redact else found.report
    samples = () if contents.redact else _write_samples(folder, compared, bounds)
    facts = _facts(folder, output.name, format, report, compared, samples)
    (folder / FACTS).write_bytes(encode(replace(facts, redacted=contents.redact)))
    entry = Entry(report.reference.path, output.name, report)
    _write(folder / REPORT, render_report("bundle", report))
    _write(folder / "report.md", render_markdown(Document("bundle", (entry,))))
    _write(folder / "environment.json", json.dumps(plain(report.environment), indent=1, sort_keys=True))
    _write_licence(folder, contents.licence_file)
    _write(folder / "README.md", card_of(report, output.name, contents.licence, tuple(names_in(folder))))
    write_sums(folder)


def _check_repeatable(outputs: Sequence[OutputComparison]) -> None:
    for output in outputs:
        by_budget = output.tolerance is not None and output.tolerance.source is Source.BUDGET
        if output.waiver or by_budget:
            cause = f"it passed by a {'budget' if by_budget else 'waiver'}, which a receiver can't check"
            raise ParityGateError("PG240", f"output {output.name}", cause, "Bundle the model without it.")


def own_report(report: Report, output: Path) -> Report:
    """The report as it is for the receiver: names without folders of this machine, and no wall times."""
    here, name = str(output), output.name
    findings = tuple(
        replace(
            finding,
            where=finding.where.replace(here, name),
            message=finding.message.replace(here, name),
            hint=finding.hint.replace(here, name),
        )
        for finding in report.findings
    )
    source = Path(report.reference.path)
    reference = replace(report.reference, path=source.name if source.exists() else report.reference.path)
    candidate = replace(report.candidate, path=name)
    return replace(report, reference=reference, candidate=candidate, findings=findings, timings={})


def _write_samples(folder: Path, compared: Compared, bounds: Bounds) -> tuple[SampleFacts, ...]:
    """The samples that count, the reference's outputs and the allowances, in the candidate's order."""
    comparison = compared.comparison
    inputs = [compared.bindings.inputs.get(spec.name, spec.name) for spec in comparison.candidate.inputs]
    outputs = [comparison.outputs.get(spec.name, spec.name) for spec in comparison.candidate.outputs]
    done = []
    for place, number in enumerate(bounds.numbers):
        sample, expected = comparison.samples[number], comparison.of_reference.expected[number]
        names, results = _ordered(inputs, sample.feed), _ordered(outputs, expected)
        write_tensors(folder / DATA / set_folder(place), "input", names, sample.feed)
        write_tensors(folder / DATA / set_folder(place), "output", results, expected)
        allowed = {name: _finite(arrays[place], expected[name]) for name, arrays in bounds.allowed.items()}
        write_tensors(folder / ALLOWED / set_folder(place), "output", [n for n in results if n in allowed], allowed)
        done.append(SampleFacts(sample.label, sample.kind.value, sample.batch, names, results))
    return tuple(done)


def _finite(allowed: Array, expected: Array) -> Array:
    """Nothing for what is NaN or infinite, which no allowance is asked for."""
    return np.where(np.isfinite(expected), allowed, 0.0).astype(np.float64)


def _ordered(first: Sequence[str], arrays: Mapping[str, object]) -> tuple[str, ...]:
    """The names of the arrays, those of ``first`` in front."""
    return tuple(dict.fromkeys([*(name for name in first if name in arrays), *arrays]))


def _facts(
    folder: Path, artifact: str, format: str, report: Report, compared: Compared, samples: tuple[SampleFacts, ...]
) -> Facts:
    comparison = compared.comparison
    return Facts(
        artifact,
        format,
        {name: sha256_of(folder / MODEL / name) for name in names_in(folder / MODEL)},
        comparison.reference,
        report.reference.path,
        report.reference.format,
        replace(compared.bindings, outputs=comparison.outputs),
        comparison.fixed,
        {output.name: output.tolerance for output in report.outputs if output.tolerance is not None},
        samples,
        report.samples.origin,
        report.samples.seed,
        report.environment,
    )


def _write(path: Path, text: str) -> None:
    path.write_bytes(f"{text}\n".encode())


def _write_licence(folder: Path, file: Path | None) -> None:
    if file is None:
        return
    try:
        shutil.copyfile(file, folder / "LICENSE")
    except OSError as error:
        raise ParityGateError("PG202", str(file), f"the licence can't be read: {error.strerror}") from error
