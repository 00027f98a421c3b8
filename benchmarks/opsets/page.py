"""The measured part of docs/opsets.md."""

from __future__ import annotations

import re
import subprocess
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from .measure import CONVERTERS, Outcome, Record

PAGE = Path("docs/opsets.md")
_BEGIN, _END = "<!-- measured: written by make opsets -->", "<!-- end of what was measured -->"

_PASSED = {Outcome.PASSES, Outcome.FIXED}
_ABSENT = re.compile(r"operator is there from opset|it takes no |='?[^ ]* is there from opset|isn't there")
"""Refusals of what the target opset doesn't have: the operator, the dtype, or the value of an attribute."""


def write_page(records: Sequence[Record]) -> None:
    """Replace the part between the markers."""
    before, rest = PAGE.read_text().split(_BEGIN)
    after = rest.split(_END)[1]
    PAGE.write_text(f"{before}{_BEGIN}\n{_text(records)}\n{_END}{after}")


def _text(records: Sequence[Record]) -> str:
    targets = sorted({record.target for record in records}, reverse=True)
    rows = "\n".join(_row(records, target, name) for target in targets for name in CONVERTERS)
    refusals = "\n\n".join(_refusals(records, target) for target in targets)
    wrong = [r for r in records if r.converter == "paritygate" and r.outcome in (Outcome.DIFFERS, Outcome.CRASHES)]
    packages = ", ".join(f"{name} {version(name)}" for name in ("onnx", "onnxruntime", "numpy"))
    head = ["to", "by", "tests", *(outcome.value for outcome in Outcome), "of what the opset has"]
    return f"""{datetime.now(UTC).date()}, commit {_commit()}, {packages}. Without the tests that
ONNX Runtime itself can't run.

| {" | ".join(head)} |
|{"---|" * len(head)}
{rows}

Files with wrong values that our rules wrote: {len(wrong)}.

{refusals}"""


def _commit() -> str:
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _row(records: Sequence[Record], target: int, converter: str) -> str:
    mine = [r for r in records if (r.target, r.converter) == (target, converter)]
    counts = Counter(record.outcome for record in mine)
    absent = _names(records, target, lambda record: record.converter == "paritygate" and _is_absent(record))
    there = [record for record in mine if record.name not in absent]
    share = sum(record.outcome in _PASSED for record in there) / max(1, len(there))
    cells = " | ".join(f"{counts[outcome]:,}" for outcome in Outcome)
    return f"| {target} | {converter} | {len(mine):,} | {cells} | {share:.1%} of {len(there):,} |"


def _is_absent(record: Record) -> bool:
    return record.outcome is Outcome.REFUSED and bool(_ABSENT.search(record.detail))


def _names(records: Sequence[Record], target: int, wanted: Callable[[Record], bool]) -> set[str]:
    return {record.name for record in records if record.target == target and wanted(record)}


def _refusals(records: Sequence[Record], target: int) -> str:
    """Each reason with the number of tests, that of absent operators apart."""
    found: dict[tuple[bool, str], list[str]] = defaultdict(list)
    for record in records:
        if record.converter == "paritygate" and record.target == target and record.outcome not in _PASSED:
            found[_is_absent(record), _reason(record)].append(record.name)
    if not found:
        return f"To opset {target} nothing is refused."
    lines = [
        f"| {'no' if absent else 'yes'} | {reason} | {len(names)} | {names[0].removeprefix('test_')} |"
        for (absent, reason), names in sorted(found.items(), key=lambda item: (item[0][0], -len(item[1])))
    ]
    return "\n".join(
        [
            f"### Not written at opset {target}",
            "",
            "| does the opset have it? | reason | tests | such as |",
            "|---|---|---|---|",
            *lines,
        ]
    )


def _reason(record: Record) -> str:
    """The operator and the reason, without names of values."""
    match = re.match(r"(\w+) .*?can't be written in it: (.*)", record.detail)
    operator, reason = match.groups() if match else (record.operator, record.detail)
    plain = re.sub(r" \(?'[^']+'\)?", "", reason).replace("|", "/")
    return f"{operator}: {plain}"
