"""Writes docs/coverage.md: what converts to ONNX and passes, estimator by estimator, layer by layer.

``python -m benchmarks.coverage`` measures everything (long); ``python -m benchmarks.coverage keras`` measures one part
anew and keeps the others' rows. Each part runs in a process of its own, one framework each, and leaves its rows in
docs/coverage/PART.json.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from paritygate.validate.doctor import versions

from .table import Row

PARTS = ("sklearn", "keras", "torch")
FOLDER = Path("docs/coverage")
PAGE = Path("docs/coverage.md")
OUTCOMES = ("passes", "fails", "refused", "not applicable")


def main() -> None:
    """Measure the parts that were named, or all, and write the page."""
    if sys.argv[1:2] == ["--rows"]:
        _measure(sys.argv[2])
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    for part in sys.argv[1:] or PARTS:
        subprocess.run([sys.executable, "-m", "benchmarks.coverage", "--rows", part], check=True)
    PAGE.write_text(page())


def _measure(part: str) -> None:
    rows = []
    for row in importlib.import_module(f".{part}", __package__).rows():
        print(f"{row.group}: {row.name}: {row.outcome} {row.detail}", flush=True)
        rows.append(asdict(row))
    measured = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "versions": versions(), "rows": rows}
    (FOLDER / f"{part}.json").write_text(json.dumps(measured, indent=1) + "\n")


def page() -> str:
    """The Markdown page, of all parts that have been measured."""
    parts = [json.loads((FOLDER / f"{part}.json").read_text()) for part in PARTS if (FOLDER / f"{part}.json").exists()]
    rows = [Row(**row) for part in parts for row in part["rows"]]
    groups = dict.fromkeys(row.group for row in rows)
    lines = [
        "# Coverage",
        "",
        "Written by `make coverage-tables`: each model is converted to ONNX by the library's own `convert`, with",
        "generated samples and the default tolerance. *passes*: parity was proved and the file written. *fails*: the",
        "numbers differ. *refused*: no conversion, for the reason given. *not applicable*: inference on new data isn't",
        "defined, or its input isn't a tensor.",
        "",
        "| group | " + " | ".join(OUTCOMES) + " |",
        "|---|" + "---|" * len(OUTCOMES),
    ]
    for group in groups:
        counts = Counter(row.outcome for row in rows if row.group == group)
        lines.append(f"| {group} | " + " | ".join(str(counts[outcome]) for outcome in OUTCOMES) + " |")
    for group in groups:
        lines += ["", f"## {group}", "", "| name | outcome | |", "|---|---|---|"]
        lines += [f"| {row.name} | {row.outcome} | {_cell(row.detail)} |" for row in rows if row.group == group]
    measured = "; ".join(f"{part['date']} with {_versions(part)}" for part in parts[-1:])
    return "\n".join([*lines, "", f"Measured {measured}.", ""])


def _versions(part: dict[str, dict[str, str]]) -> str:
    return ", ".join(f"{name} {version}" for name, version in part["versions"].items())


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    main()
