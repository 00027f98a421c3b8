"""What the verdict costs beside the conversion: ``python -m benchmarks.verdict_cost`` prints a Markdown table.

The models are those of ``make demo``, which must have run. Both times are of one run, so trust the ratio.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from fixtures.demo import exhibits
from paritygate.convert import convert
from paritygate.validate.events import Event


class Clock:
    """When each stage began, by the events that a conversion sends."""

    def __init__(self) -> None:
        self.began: dict[str, float] = {}

    def __call__(self, event: Event) -> None:
        """Remember the first time of each stage; the candidate's loading follows the conversion."""
        stage = event.stage.split(" ")[0]
        if stage == "load" and "convert" in self.began:
            stage = "verdict"
        self.began.setdefault(stage, time.perf_counter())


def main() -> None:
    """Convert every exhibit and print one row for each."""
    print("| model | target | conversion, s | verdict, s | ratio | perturbed runs |\n|---|---|---|---|---|---|")
    for exhibit in exhibits():
        for output in exhibit.outputs:
            if not sys.argv[1:] or sys.argv[1] in output:
                print(row(exhibit.source, output, exhibit.samples), flush=True)


def row(source: Path, output: str, samples: Path | None) -> str:
    """One conversion: the seconds before its candidate was loaded, and after."""
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        report = convert(source, Path(folder) / output, samples=samples, on_event=clock).report
    end = time.perf_counter()
    conversion = clock.began["verdict"] - clock.began["convert"]
    verdict = end - clock.began["verdict"]
    runs = max(output.tolerance.runs for output in report.outputs if output.tolerance)
    return f"| {source.name} | {output} | {conversion:.2f} | {verdict:.2f} | **{verdict / conversion:.2f}** | {runs} |"


if __name__ == "__main__":
    main()
