"""Writes docs/onnx-to-coreml.md: ONNX' own operator tests, converted to Core ML and run in paritygate's engine.

``python -m benchmarks.onnx_coreml package`` (or ``mlmodel``) converts with paritygate, ``... peer --python PYTHON``
with the package onnx2coreml of another environment, ``... page`` writes the page from the records in docs/coverage/.
Cases that have a record are skipped; ``--again`` repeats those that didn't pass.
"""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import onnx

from fixtures.onnx_gaps import GAPS
from fixtures.onnx_node_tests import (
    TIGHT_ATOL,
    TIGHT_RTOL,
    Case,
    Converter,
    Result,
    cases,
    convert_case,
    fixed,
    measure,
)
from paritygate.validate.coreml.files.package import open_package
from paritygate.validate.doctor import versions
from paritygate.validate.errors import ParityGateError

FOLDER = Path("docs/coverage")

PAGE = Path("docs/onnx-to-coreml.md")

PEER = """
import pathlib, sys, onnx2coreml, onnx
for source in sorted(pathlib.Path(sys.argv[1]).glob("*.onnx")):
    made, failed = source.with_suffix(".mlpackage"), source.with_suffix(".error")
    if made.exists() or failed.exists():
        continue
    try:
        onnx2coreml.convert(str(source), format="mlpackage", compute_precision="fp32").save(str(made))
    except BaseException as e:
        failed.write_text(f"{type(e).__name__}: {e}")
"""
"""What runs in the peer's environment: its own defaults, except for float32."""


def peer(folder: Path) -> Any:
    """A converter that reads what the peer wrote to ``folder``."""

    def convert(case: Case, _: Path, suffix: str) -> tuple[Path, dict[str, str], dict[str, str]]:
        name = case.file or case.name
        failed = folder / f"{name}.error"
        if failed.exists():
            text = next(iter(failed.read_text().splitlines()), "")
            raise ParityGateError("PG404", "onnx2coreml", text)
        path = folder / f"{name}.mlpackage"
        described = open_package(path).spec.description
        pairs = (described.input, case.model.graph.input), (described.output, case.model.graph.output)
        inputs, outputs = (
            {f.name: v.name for f, v in zip(features, values, strict=False)} for features, values in pairs
        )
        return path, inputs, outputs

    return convert


def run_peer(python: str, folder: Path) -> None:
    """Write every case, as it is and fixed, to ``folder``, and convert those that aren't converted yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for case in cases():
        for form in filter(None, (case, fixed(case))):
            path = folder / f"{form.file or form.name}.onnx"
            if not path.exists():
                onnx.save(form.model, path)
    subprocess.run([python, "-c", PEER, str(folder)], check=True)


def sweep(who: str, convert: Converter, suffix: str, part: str, again: bool) -> None:
    """Measure the cases with ``part`` in their name that have no record; with ``again`` also those that don't pass."""
    file = _file(who)
    records = {r["name"]: r for r in json.loads(file.read_text())["rows"]} if file.exists() else {}
    waiting = cases()
    gc.freeze()  # coremltools collects garbage after each conversion, and would visit all cases each time
    for count, case in enumerate(waiting):
        known = records.get(case.name)
        if part not in case.name or (known and (not again or known["outcome"] in PASSING)):
            continue
        result = measure(case, convert, suffix)
        records[case.name] = asdict(result)
        print(result.outcome, result.name, result.detail[:160], flush=True)
        if count % 50 == 0:
            _write(file, records)
    _write(file, records)


def _write(file: Path, records: dict[str, Any]) -> None:
    """One record per line, so that a change of one case is a change of one line."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    head = json.dumps({"date": f"{datetime.now(UTC):%Y-%m-%d}", "versions": versions()})
    lines = ",\n".join(json.dumps(record) for record in records.values())
    file.write_text(f'{head[:-1]}, "rows": [\n{lines}\n]}}\n')


def page() -> str:
    """The Markdown page of all records."""
    measured = {who: json.loads((FOLDER / f"onnx_{who}.json").read_text()) for who in SUBJECTS if _file(who).exists()}
    tables = {who: {record["name"]: Result(**record) for record in part["rows"]} for who, part in measured.items()}
    package = tables["package"]
    operators = defaultdict(list)
    for result in package.values():
        operators[result.operator].append(result.name)
    lines = [
        *INTRODUCTION,
        *_totals(tables),
        "",
        *_by_operator(tables, operators),
        "",
        *_failures(package),
        "",
        *_gaps(),
    ]
    told = measured["package"]
    known = ", ".join(f"{name} {version}" for name, version in told["versions"].items() if name in NAMED)
    return "\n".join([*lines, "", f"Measured {told['date']} with {known}, onnx2coreml 1.1.0.", ""])


def _file(who: str) -> Path:
    return FOLDER / f"onnx_{who}.json"


SUBJECTS = {
    "package": "paritygate, .mlpackage",
    "mlmodel": "paritygate, .mlmodel",
    "peer": "onnx2coreml, .mlpackage",
}

PASSING = ("passes", "fixed")

NAMED = ("onnx", "onnxruntime", "coremltools", "numpy")

INTRODUCTION = [
    "# ONNX to Core ML",
    "",
    "Written by `python -m benchmarks.onnx_coreml page`. ONNX' own operator tests (`onnx.backend.test`, with expected",
    "outputs) are converted to Core ML by both converters and run in paritygate's engine. *as it is*: the case passes",
    "with all its inputs computed by the model; *fixed*: it passes when all inputs but the first are constants, as",
    "axes, pads, shapes and weights are in exported models. Tolerance: ONNX' own (relative 1e-3, absolute 1e-7),",
    f"integers exactly; *tight*: floats also within {TIGHT_RTOL} relative plus {TIGHT_ATOL}.",
    "",
]


def _totals(tables: dict[str, dict[str, Result]]) -> list[str]:
    lines = ["| | cases | pass as it is | pass fixed | pass in all | tight | differ | refused | fail |"]
    lines.append("|---|" + "---:|" * 8)
    for who, table in tables.items():
        counts = Counter(result.outcome for result in table.values())
        tight = sum(result.tight for result in table.values() if result.outcome in PASSING)
        cells = [counts["passes"], counts["fixed"], counts["passes"] + counts["fixed"], tight]
        cells += [counts["differs"], counts["refused"], counts["fails"]]
        lines.append(f"| {SUBJECTS[who]} | {len(table)} | " + " | ".join(map(str, cells)) + " |")
    return lines


def _by_operator(tables: dict[str, dict[str, Result]], operators: dict[str, list[str]]) -> list[str]:
    lines = [
        "## By operator",
        "",
        "Cases that pass, as they are or fixed. *definitions*: cases in which an operator is expanded by",
    ]
    lines += ["ONNX' own definition.", ""]
    lines += ["| operator | cases | " + " | ".join(SUBJECTS[who] for who in tables) + " |"]
    lines.append("|---|---:|" + "---:|" * len(tables))
    for operator, names in sorted(operators.items()):
        counts = [sum(n in t and t[n].outcome in PASSING for n in names) for t in tables.values()]
        lines.append(f"| {operator} | {len(names)} | " + " | ".join(map(str, counts)) + " |")
    return lines


def _gaps() -> list[str]:
    lines = ["## Operators without a translation", "", "| operator | reason |", "|---|---|"]
    return [*lines, *(f"| {name} | {reason} |" for name, reason in GAPS.items())]


def _failures(table: dict[str, Result]) -> list[str]:
    lines = ["## Cases that don't pass, with the reason", "", "| outcome | reason | cases |", "|---|---|---|"]
    groups = defaultdict(list)
    for result in table.values():
        if result.outcome not in PASSING:
            groups[result.outcome, _reason(result)].append(result.name.removeprefix("test_"))
    for (outcome, reason), names in sorted(groups.items(), key=lambda group: (group[0][0], -len(group[1]))):
        shown = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
        lines.append(f"| {outcome} | {reason} | {shown} |")
    return lines


DIFFERENCES = {
    "bernoulli": "random numbers, which differ between generators",
    "dft_inverse": "rounding near zero, beyond ONNX' absolute tolerance of 1e-7",
    "attention_4d_causal_fp16": "the expected values are rounded to float16 at every step, Core ML's at the end",
}
"""Why a case differs, by the start of its name."""


def _reason(result: Result) -> str:
    """The cause without the node's name and the error code."""
    if result.outcome == "differs":
        known = (why for start, why in DIFFERENCES.items() if result.name.startswith(f"test_{start}"))
        return next(known, f"{result.operator}: {result.detail}".replace("|", "\\|"))
    head, _, cause = result.detail.partition(": ")
    subject = head.partition("operator ")[2].partition(" (")[0] if "operator " in head else ""
    cause = cause.removeprefix("ValueError: ").partition(' Layer "')[0]
    return " ".join(f"{subject} {cause}".split()).replace("|", "\\|")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure one subject, or write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=[*SUBJECTS, "page"])
    parser.add_argument("part", nargs="?", default="", help="only cases with this in their name")
    parser.add_argument("--again", action="store_true", help="measure the cases that didn't pass again")
    parser.add_argument("--python", help="for peer: the interpreter of its environment")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "onnx2coreml-cases")
    given = parser.parse_args(arguments)
    if given.what == "page":
        PAGE.write_text(page())
    elif given.what == "peer":
        run_peer(given.python, given.folder)
        sweep("peer", peer(given.folder), ".mlpackage", given.part, given.again)
    else:
        sweep(given.what, convert_case, f".ml{given.what.removeprefix('ml')}", given.part, given.again)


if __name__ == "__main__":
    main()
