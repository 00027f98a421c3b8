"""Write docs/coverage.md: the outcome of converting every estimator, layer and architecture to every target.

``python -m benchmarks.coverage`` measures everything (long); ``python -m benchmarks.coverage keras torch --targets
"mlpackage fp32,mlmodel"`` measures some parts and targets only. What was measured with today's code is kept. Each part
runs in a process of its own, with one framework, and stores its entries in docs/coverage/PART.json.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from paritygate.validate.doctor import versions

from .table import NOT_APPLICABLE, OUTCOMES, PASSES, TARGETS, Entry

PARTS = ("sklearn", "keras", "torch")
FOLDER = Path("docs/coverage")
PAGE = Path("docs/coverage.md")
NAMES = tuple(target.name for target in TARGETS)


def main() -> None:
    """Measure the given parts, or all, and write the page."""
    parser = argparse.ArgumentParser(description="Write docs/coverage.md.")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="default: all")
    parser.add_argument("--targets", default=",".join(NAMES), help="columns to measure, separated by commas")
    parser.add_argument("--models", default="", help="models to measure, separated by semicolons (default: all)")
    parser.add_argument("--here", action="store_true", help="measure in this process")
    given = parser.parse_args()
    if given.here:
        measure(given.parts[0], given.targets.split(","), [name for name in given.models.split(";") if name])
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    for part in given.parts or PARTS:
        command = [sys.executable, "-m", "benchmarks.coverage", part, "--here", "--targets", given.targets]
        command += ["--models", given.models]
        subprocess.run(command, check=True)
    PAGE.write_text(page())


def measure(part: str, targets: Sequence[str], models: Sequence[str]) -> None:
    """Measure one part for the given targets and models (all if empty).

    Entries that were measured with today's code stay as they are, unless they are named in ``models``: what was stopped
    goes on. Each new entry replaces the old one at once.
    """
    file, code = FOLDER / f"{part}.json", _code()
    rows = {(row["name"], row["target"]): row for row in (_read(file)["rows"] if file.exists() else [])}
    about = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "versions": versions()}

    def wanted(name: str, target: str) -> bool:
        return name in models if models else rows.get((name, target), {}).get("code") != code

    module = importlib.import_module(f".{part}", __package__)
    for entry in module.entries([target for target in TARGETS if target.name in targets], wanted):
        print(f"{entry.group}: {entry.name}: {entry.target}: {entry.outcome} {entry.detail}", flush=True)
        rows[entry.name, entry.target] = asdict(entry) | {"code": code}
        file.write_text(json.dumps(about | {"rows": list(rows.values())}, indent=1) + "\n")


def _code() -> str:
    """The last commit of what is measured."""
    command = ["git", "log", "-1", "--format=%h", "--", "convert", "validate", "fixtures"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def page() -> str:
    """The Markdown page with all parts that have been measured."""
    parts = [_read(FOLDER / f"{part}.json") for part in PARTS if (FOLDER / f"{part}.json").exists()]
    rows = [row for part in parts for row in part["rows"]]
    entries = [Entry(**{name: value for name, value in row.items() if name != "code"}) for row in rows]
    groups = list(dict.fromkeys(entry.group for entry in entries))
    lines = [
        "# Coverage",
        "",
        "Written by `make coverage-tables`: each model is converted with the library's `convert`, generated samples",
        "and the default tolerance. *passes*: parity was proved and the file written. *fails*: the values differ.",
        "*refused*: no conversion, for the reason given. *not applicable*: the model isn't defined on new data, or its",
        "input isn't a tensor. Core ML models run in paritygate's own engine (docs/coreml-engine.md); the default",
        "tolerance of float16 applies to fp16 programs. scikit-learn's estimators are converted to ONNX in every",
        "setting of fixtures/estimators.py, and to Core ML in the first setting of each.",
        "",
        *_summary(entries, groups),
    ]
    for group in groups:
        lines += ["", f"## {group}", "", *_table([entry for entry in entries if entry.group == group])]
    measured = "; ".join(f"{part['date']} with {_versions(part)}" for part in parts[-1:])
    codes = Counter(row.get("code", "an older commit") for row in rows)
    commits = ", ".join(f"{count} entries at {code}" for code, count in codes.most_common())
    return "\n".join([*lines, "", f"Measured {measured}: {commits}.", ""])


def _summary(entries: Iterable[Entry], groups: Iterable[str]) -> list[str]:
    counts = Counter((entry.group, entry.target, entry.outcome) for entry in entries)
    targets = [name for name in NAMES if any(target == name for _, target, _ in counts)]
    lines = ["| group | target | " + " | ".join(OUTCOMES) + " |", "|---|---|" + "---|" * len(OUTCOMES)]
    for group in groups:
        for target in targets:
            cells = [str(counts[group, target, outcome]) for outcome in OUTCOMES]
            if any(counts[group, target, outcome] for outcome in OUTCOMES):
                lines.append(f"| {group} | {target} | " + " | ".join(cells) + " |")
    return lines


def _table(entries: Sequence[Entry]) -> list[str]:
    """One line per model, one column per target, and the reasons at the end."""
    targets = [name for name in NAMES if any(entry.target == name for entry in entries)]
    lines = ["| name | " + " | ".join(targets) + " | |", "|---" * (len(targets) + 2) + "|"]
    for name in dict.fromkeys(entry.name for entry in entries):
        found = {entry.target: entry for entry in entries if entry.name == name}
        cells = [found[target].outcome if target in found else "" for target in targets]
        lines.append(f"| {name} | {' | '.join(cells)} | {_details(found)} |")
    return lines


def _details(found: Mapping[str, Entry]) -> str:
    """The reasons of the targets that don't pass, each once."""
    reasons: dict[str, list[str]] = {}
    for target, entry in found.items():
        if entry.outcome != PASSES and entry.detail:
            reasons.setdefault(_cell(entry.detail), []).append(target)
    return "; ".join(
        reason if found[targets[0]].outcome == NOT_APPLICABLE else f"{', '.join(targets)}: {reason}"
        for reason, targets in reasons.items()
    )


def _read(file: Path) -> dict[str, Any]:
    part: dict[str, Any] = json.loads(file.read_text())
    return part


def _versions(part: Mapping[str, Mapping[str, str]]) -> str:
    return ", ".join(f"{name} {version}" for name, version in part["versions"].items())


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    main()
