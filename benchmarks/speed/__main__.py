"""Times the pairs and writes the page.

The two commands of a pair are run in turn, several times, so that whatever else the machine does hits both; the median
counts. Both start from a cold process and the same file. Rows that were measured at this commit aren't measured again.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from paritygate.validate.doctor import versions

from ..sections import with_sections_of
from .models import FOLDER, PAIRS, PYTHON, Pair
from .processes import Cost, run

PAGE = Path("docs/benchmarks.md")
ROWS = FOLDER / "speed.json"
ROUNDS = 2
GOAL, MOST, MOST_MEMORY = 1.15, 1.5, 2.0


@dataclass(frozen=True, slots=True)
class Row:
    """One pair: seconds and MiB of the bare command and of paritygate, and the commit that they are of."""

    bare: float
    ours: float
    bare_peak: float
    our_peak: float
    commit: str

    @property
    def ratio(self) -> float:
        """How often the bare conversion's time."""
        return self.ours / self.bare

    @property
    def memory(self) -> float:
        """How often the bare conversion's memory."""
        return self.our_peak / self.bare_peak


def main() -> None:
    """Make the models, time every pair that is asked for, write the page."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()
    rows = {name: Row(**row) for name, row in json.loads(ROWS.read_text()).items()} if ROWS.exists() else {}
    for pair in PAIRS:
        wanted = [word for word in sys.argv[1:] if word.lower() in pair.name.lower()]
        if wanted or (not sys.argv[1:] and (pair.name not in rows or rows[pair.name].commit != commit)):
            rows[pair.name] = _measure(pair, commit)
            ROWS.write_text(json.dumps({name: asdict(row) for name, row in rows.items()}, indent=1))
            print(f"{pair.name}: {rows[pair.name].ratio:.2f}, memory {rows[pair.name].memory:.2f}", flush=True)
    PAGE.write_text(with_sections_of(PAGE, page(rows)))


def _commit() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _measure(pair: Pair, commit: str) -> Row:
    """Medians of the bare command and of paritygate, run in turn."""
    source, output = str(pair.source()), str(FOLDER / "output.onnx")
    bare = [part.replace("{source}", source).replace("{output}", output) for part in pair.bare.command]
    ours = [PYTHON, "-m", "paritygate.cli", "convert", source, "-o", output, "--quiet"]
    rounds = [(run(*bare), run(*ours)) for _ in range(ROUNDS)]
    return Row(*_medians([first for first, _ in rounds], [second for _, second in rounds]), commit)


def _medians(bare: Sequence[Cost], ours: Sequence[Cost]) -> tuple[float, float, float, float]:
    return (
        statistics.median(cost.seconds for cost in bare),
        statistics.median(cost.seconds for cost in ours),
        statistics.median(cost.peak for cost in bare),
        statistics.median(cost.peak for cost in ours),
    )


def page(rows: Mapping[str, Row]) -> str:
    """The Markdown page."""
    known = [(pair, rows[pair.name]) for pair in PAIRS if pair.name in rows]
    times, memory = sorted(row.ratio for _, row in known), sorted(row.memory for _, row in known)
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`. What a conversion costs when parity is proved as well, beside the bare converter",
        "that proves nothing. The two commands of a row are run in turn from cold processes; trust the ratios, not the",
        f"seconds. Median of {ROUNDS} rounds. Memory is the peak of resident MiB of all processes of a command",
        "together.",
        f"Goals: time at most {GOAL} in the median and {MOST} for any, memory at most {MOST_MEMORY}.",
        "",
        f"Median of {len(known)} models: time **{statistics.median(times):.2f}** (greatest {times[-1]:.2f}), memory "
        f"**{statistics.median(memory):.2f}** (greatest {memory[-1]:.2f}).",
        "",
        "| model | bare command | bare, s | paritygate, s | ratio | bare, MiB | paritygate, MiB | ratio | commit |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [_line(pair, row) for pair, row in known]
    listed = ", ".join(f"{name} {version}" for name, version in versions().items())
    return "\n".join([*lines, "", f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} CPU cores, {listed}.", ""])


def _line(pair: Pair, row: Row) -> str:
    times = f"{row.bare:.2f} | {row.ours:.2f} | **{row.ratio:.2f}**"
    memory = f"{row.bare_peak:.0f} | {row.our_peak:.0f} | {row.memory:.2f}"
    return f"| {pair.name} | {pair.bare.name} | {times} | {memory} | {row.commit} |"


if __name__ == "__main__":
    main()
