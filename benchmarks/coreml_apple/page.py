"""Writes docs/coreml-conformance.md from the records of the plugin."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from fixtures.apple_tests.suite import PARTS, RECORDS

from .reasons import UNEXPLAINED, reason

Row = dict[str, Any]
PASSED = ("passed", "xpassed")
UNREACHED = {
    "passed": "nothing to predict",
    "xpassed": "nothing to predict",
    "skipped": "skipped by the test",
    "skipped module": "skipped by the test",
    "xfailed": "marked as expected failure",
    "failed": "fails before",
    "not importable": "not importable",
}
"""The results of tests without a prediction."""


@dataclass(slots=True)
class Module:
    """One test file: the number of cases of each of its functions, and the records of those that ran."""

    functions: dict[str, int] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)

    @property
    def cases(self) -> int:
        return sum(self.functions.values())

    @property
    def reached(self) -> list[Row]:
        return [r for r in self.rows if r["predictions"] and r["outcome"] != "xfailed"]

    @property
    def failed(self) -> list[Row]:
        return [r for r in self.reached if r["outcome"] not in PASSED]


def modules(rows: Iterable[Row]) -> dict[str, Module]:
    """All rows by test file."""
    found: dict[str, Module] = defaultdict(Module)
    for row in rows:
        if "function" in row:
            found[_file(row["function"])].functions[row["function"]] = row["cases"]
        else:
            found[_file(row["id"])].rows.append(row)
    return dict(sorted(found.items()))


def _file(test: str) -> str:
    return test.partition("::")[0].removeprefix("coremltools/")


def page(rows: list[Row], versions: dict[str, str], date: str) -> str:
    """The whole document."""
    found = modules(rows)
    failures = [row for m in found.values() for row in m.failed]
    parts = [_introduction(versions, date), _totals(found, rows), _table(found), _failures(failures), _before(found)]
    return "\n\n".join(parts) + "\n"


def _introduction(versions: dict[str, str], date: str) -> str:
    unrun = [part.name for part in PARTS if not (RECORDS / f"{part.name}.jsonl").exists()]
    rest = f" Not run: {', '.join(unrun)}." if unrun else ""
    used = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    samples = ", ".join(f"{p.name} {p.most or 'all'}" for p in PARTS)
    return f"""# Conformance: Apple's own tests

Written by `make conformance`. The wheel of coremltools contains Apple's tests. They predict on a Mac only; here a
pytest plugin (`fixtures/apple_tests`) replaces Apple's framework by this engine, at coremltools' own interface to it
(`libcoremlpython`), and records for each test whether it reached a prediction, and its result. Float32 programs are
tested too (`INCLUDE_MIL_FP32_UNIT_TESTS=1`), with Apple's tolerance for them, about 1e-4 + 1e-5 * |x|. Float16 programs
pass within 0.5 + 0.05 * |x|, which proves little; docs/coreml-engine.md describes how else they are tested.

Of each test function a fixed number of cases runs, those whose names have the lowest CRC-32
({samples}).
Each test has its own random numbers, seeded by its name. If fewer ran, the time limit of their part was reached.{rest}

Run on {date} with
{used}."""


def _totals(found: dict[str, Module], rows: list[Row]) -> str:
    reached = [r for m in found.values() for r in m.reached]
    passed = [r for r in reached if r["outcome"] in PASSED]
    lines = ["## Total", "", "| | tests that reached a prediction | passed | |", "|---|---:|---:|---:|"]
    for name, chosen in (
        ("all", lambda r: True),
        ("float32 programs, neural networks, classic models", lambda r: not r["float16"]),
        ("float16 programs, with Apple's tolerance for float16", lambda r: r["float16"] and "'fp32'" not in r["id"]),
        ("float16 numbers in tests of float32 programs", lambda r: r["float16"] and "'fp32'" in r["id"]),
    ):
        of, good = (sum(map(chosen, some)) for some in (reached, passed))
        lines.append(f"| {name} | {of:,} | {good:,} | {_share(good, of)} |")
    whole, good = _estimate(rows)
    lines += [
        "",
        f"Weighted by the number of cases of each function, {_share(good, whole)} of about {whole:,.0f} cases pass.",
    ]
    return "\n".join(lines)


def _estimate(rows: list[Row]) -> tuple[float, float]:
    """The estimated cases of the whole suite that reach a prediction, and pass, from the sample of each function."""
    cases = {r["function"]: r["cases"] for r in rows if "function" in r}
    ran: Counter[str] = Counter()
    reached: Counter[str] = Counter()
    passed: Counter[str] = Counter()
    for row in rows:
        if "id" in row and row["outcome"] != "xfailed":
            name = row["id"].partition("[")[0]
            ran[name] += 1
            reached[name] += bool(row["predictions"])
            passed[name] += bool(row["predictions"]) and row["outcome"] in PASSED
    weight = {name: cases.get(name, 1) / count for name, count in ran.items()}
    return sum(reached[n] * w for n, w in weight.items()), sum(passed[n] * w for n, w in weight.items())


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.2f} %" if whole else "-"


def _table(found: dict[str, Module]) -> str:
    lines = [
        "## By test file", "",
        "| coremltools/... | cases | ran | reached a prediction | passed | failed | not reached |",
        "|---|---:|---:|---:|---:|---:|---|",
    ]  # fmt: skip
    for name, m in found.items():
        reached, failed = len(m.reached), len(m.failed)
        why = ", ".join(f"{n} {kind}" for kind, n in _unreached(m).most_common())
        lines.append(
            f"| {name} | {m.cases:,} | {len(m.rows):,} | {reached:,} | {reached - failed:,} | {failed} | {why} |"
        )
    return "\n".join(lines)


def _unreached(module: Module) -> Counter[str]:
    expected = Counter("expected to fail" for r in module.rows if r["predictions"] and r["outcome"] == "xfailed")
    return Counter(UNREACHED[r["outcome"]] for r in module.rows if not r["predictions"]) + expected


def _failures(failures: list[Row]) -> str:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in failures:
        why = reason(row)
        groups[why if why != UNEXPLAINED else f"{why} {_function(row)}: {_gist(row)}"].append(row)
    lines = ["## Failures, with the reason", ""]
    for why, rows in sorted(groups.items(), key=lambda group: -len(group[1])):
        functions = Counter(map(_function, rows))
        named = ", ".join(f"{name} ({n})" for name, n in functions.most_common())
        lines.append(f"- **{len(rows)}**: {why}\n  {named}")
    return "\n".join(lines)


def _function(row: Row) -> str:
    file, _, test = row["id"].partition("[")[0].partition("::")
    return f"`{file.rpartition('/')[2]}::{test}`"


def _gist(row: Row) -> str:
    text = re.sub(r"[\w./-]*/site-packages/|/tmp/[\w.]+/", "", row.get("reason", ""))
    return re.sub(r"[|`]", "'", text)[:200]


def _before(found: dict[str, Module]) -> str:
    """What stops tests before a prediction, except for skips."""
    stopped: dict[str, list[Row]] = defaultdict(list)
    for m in found.values():
        for row in m.rows:
            if not row["predictions"] and row["outcome"] in ("failed", "not importable"):
                stopped[re.sub(r"[\d.]+|'[^']*\[.*", "#", _gist(row))[:90]].append(row)
    lines = ["## What stops tests before a prediction", "", "Messages of coremltools or of current frameworks:", ""]
    for rows in sorted(stopped.values(), key=len, reverse=True):
        lines.append(f"- {len(rows)}: {_gist(rows[0])[:160]} ({_function(rows[0])})")
    return "\n".join(lines)
