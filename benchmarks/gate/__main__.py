"""Times a gate over small models, cold and cached, its plan, and a shell loop that does the same by hand.

``python -m benchmarks.gate [COUNT]`` takes COUNT models of each of three frameworks (default: 10), and writes a section
of docs/benchmarks.md. Each command starts from cold processes and an empty cache but for the cached run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..sections import write_section
from ..speed.processes import ENVIRONMENT
from . import scripts

PAGE = Path("docs/benchmarks.md")
FOLDER = Path("out/bench/gate").absolute()
PYTHON = sys.executable
COLD_GOAL, CACHED_GOAL, PLAN_GOAL, HELP_GOAL = 5.0, 50.0, 0.5, 0.1
ROUNDS = 5
"""Of the short commands, whose median counts; the long ones run once."""

CONFIG = """
[[model]]
path = "models/*"
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """Models of one framework: the program that makes them, and the two commands of the shell loop."""

    make: str
    pattern: str
    convert: tuple[str, ...]
    compare: str


TF2ONNX = (PYTHON, "-m", "tf2onnx.convert", "--saved-model", "{source}", "--output", "{output}")
KINDS = (
    Kind(
        scripts.MAKE_ESTIMATORS,
        "*.joblib",
        (PYTHON, "-c", scripts.CONVERT_ESTIMATOR, "{source}", "{output}"),
        scripts.COMPARE_ESTIMATOR,
    ),
    Kind(scripts.MAKE_KERAS, "network*", TF2ONNX, scripts.COMPARE_SAVED_MODEL),
    Kind(
        scripts.MAKE_TORCH,
        "*.pt2",
        (PYTHON, "-c", scripts.CONVERT_PROGRAM, "{source}", "{output}"),
        scripts.COMPARE_PROGRAM,
    ),
)


def main() -> None:
    """Make the models, time everything, write the section."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    _make(count)
    jobs = str(max(1, os.cpu_count() or 1))
    gate = (PYTHON, "-P", "-m", "paritygate.cli", "gate", "--jobs", jobs, "--quiet")
    shutil.rmtree(FOLDER / "cache", ignore_errors=True)
    shutil.rmtree(FOLDER / "exported", ignore_errors=True)
    cold = _seconds(gate)
    cached = _median(lambda: _seconds(gate))
    plan = _median(lambda: _seconds((*gate[:5], "--dry-run")))
    help_cpu = _median(lambda: _cpu((PYTHON, "-P", "-m", "paritygate.cli", "gate", "--help")))
    loop = _loop()
    seconds = {"cold": cold, "cached": cached, "plan": plan, "help": help_cpu, "loop": loop}
    text = section(3 * count, int(jobs), seconds, _memory(30 * count))
    write_section(PAGE, "gate", "python -m benchmarks.gate", text)
    print(text)


def _make(count: int) -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    (FOLDER / "models").mkdir(parents=True)
    (FOLDER / "loop").mkdir()
    (FOLDER / "paritygate.toml").write_text(CONFIG)
    for kind in KINDS:
        _run((PYTHON, "-c", kind.make, str(FOLDER / "models"), str(count)))


def _loop() -> float:
    """The seconds of converting and comparing each model, one after the other."""
    start = time.perf_counter()
    for kind in KINDS:
        for source in sorted((FOLDER / "models").glob(kind.pattern)):
            output = str(FOLDER / "loop" / f"{source.name}.onnx")
            _run([part.replace("{source}", str(source)).replace("{output}", output) for part in kind.convert])
            _run((PYTHON, "-c", kind.compare, str(source), output))
    return time.perf_counter() - start


def _memory(count: int) -> tuple[int, float, float]:
    """(count, MiB after a tenth, MiB at the end) of the gate's own process, over so many ONNX models."""
    folder = FOLDER / "many"
    (folder / "models").mkdir(parents=True)
    (folder / "paritygate.toml").write_text(CONFIG)
    _run((PYTHON, "-c", scripts.MAKE_ONNX, str(folder / "models"), str(count)))
    printed = _run((PYTHON, "-c", scripts.MEMORY, str(count // 10), str(count)), folder)
    tenth, end = (int(line) / 2**20 for line in printed.split())
    return count, tenth, end


def _run(command: Sequence[str], folder: Path = FOLDER) -> str:
    """What a command prints. Exits where it fails."""
    environment = os.environ | ENVIRONMENT | {"PARITYGATE_CACHE": str(FOLDER / "cache")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:4])} failed:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


def _seconds(command: Sequence[str]) -> float:
    start = time.perf_counter()
    _run(command)
    return time.perf_counter() - start


def _cpu(command: Sequence[str]) -> float:
    """The CPU seconds of a command and its children."""
    before = os.times()
    _run(command)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def _median(measure: Callable[[], float]) -> float:
    return sorted(measure() for _ in range(ROUNDS))[ROUNDS // 2]


def section(models: int, jobs: int, seconds: dict[str, float], memory: tuple[int, float, float]) -> str:
    """The Markdown of what was measured, with the goals."""
    loop, cold, cached = seconds["loop"], seconds["cold"], seconds["cached"]
    rows = [
        ("shell loop: bare converter and comparison script for each", f"{loop:.1f} s", "", ""),
        (
            "`paritygate gate`, nothing cached",
            f"{cold:.1f} s",
            f"{loop / cold:.1f} times faster",
            f"{COLD_GOAL:g} times",
        ),
        (
            "`paritygate gate`, all cached",
            f"{cached:.2f} s",
            f"{loop / cached:.0f} times faster",
            f"{CACHED_GOAL:g} times",
        ),
        ("`paritygate gate --dry-run`", f"{seconds['plan']:.2f} s", "", f"at most {PLAN_GOAL:g} s"),
        ("`paritygate gate --help`, CPU", f"{seconds['help']:.2f} s", "", f"at most {HELP_GOAL:g} s"),
    ]
    lines = [
        "## A gate of small models",
        "",
        f"{models} small models, a third each of scikit-learn (joblib), TensorFlow (SavedModel) and PyTorch",
        f"(torch.export), to ONNX; `--jobs {jobs}`. The comparison script runs one batch in both runtimes and calls",
        f"`numpy.allclose`; the gate proves what docs/verdict.md says. Medians of {ROUNDS} rounds but for the first",
        "two rows.",
        "",
        "| | measured | against the loop | goal |",
        "|---|---|---|---|",
        *(f"| {' | '.join(row)} |" for row in rows),
        "",
        f"Memory of the gate's own process over {memory[0]} ONNX models: {memory[1]:.0f} MiB after a tenth of them,",
        f"{memory[2]:.0f} MiB at the end.",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} CPU cores.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
