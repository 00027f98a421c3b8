"""Run time of lowered Core ML models, compared with ONNX Runtime on exports of the same networks, in one run.

``python -m benchmarks.coreml_speed`` writes docs/benchmarks-coreml.md. The runs of a pair are interleaved, so that
other load on the machine affects both; medians are compared. Both use ONNX Runtime's default threads. Lowering and
memory are measured in their own processes, memory on Linux only.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paritygate.validate.doctor import versions

if TYPE_CHECKING:
    from paritygate.validate.coreml.runtime import Session
    from paritygate.validate.signature import Array

FOLDER = Path("out/bench_coreml")
PAGE = Path("docs/benchmarks-coreml.md")
WIDTHS = ("float32", "float16")
ROUNDS = 60
GOAL, MEMORY_GOAL, LOWERING_GOAL = 1.2, 1.3, 2.0

TITLES = {
    "MobileNetV2": "MobileNetV2, one image of 224 x 224 (Keras, tf2onnx)",
    "ResNet50": "ResNet50, one image of 224 x 224 (Keras, tf2onnx)",
    "lstm": "LSTM, 2 layers, both directions, 4 x 100 steps (PyTorch)",
    "transformer": "transformer encoder, 4 layers, 128 tokens (PyTorch)",
}

LOWERING = """
import json, sys, time
start = time.perf_counter()
from pathlib import Path
from paritygate.validate.coreml.lower import lower
from paritygate.validate.coreml.files.package import open_package
lower(open_package(Path(sys.argv[1])))
first = time.perf_counter()
lower(open_package(Path(sys.argv[1])))
print(json.dumps([first - start, time.perf_counter() - first, time.process_time()]))
"""
LOADING = """
import json, sys, time
import numpy, onnxruntime
from paritygate.validate.coreml.lower import lower
from paritygate.validate.coreml.files.package import open_package
from paritygate.validate.coreml.runtime import Session
from pathlib import Path
# Not getrusage: its peak is the parent's to begin with.
peak = lambda: next(1024 * int(row.split()[1]) for row in open("/proc/self/status") if row.startswith("VmHWM"))
before, path = peak(), Path(sys.argv[1])
session = Session(lower(open_package(path)))
loaded = peak()
feeds = {f.name: numpy.ones(f.shape, f.dtype) for f in session.inputs}
times = []
for _ in range(6):
    start = time.perf_counter()
    session.run(feeds)
    times.append(time.perf_counter() - start)
size = sum(f.stat().st_size for f in path.rglob("*.bin"))
print(json.dumps([size, (loaded - before) / size, (peak() - before) / size, sorted(times)[3]]))
"""


@dataclass(frozen=True, slots=True)
class Row:
    """Medians in seconds of one network at one width."""

    name: str
    width: str
    onnx: float
    lowered: float
    difference: float


def main() -> None:
    """Make the networks, measure, write the page."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in (*TITLES, "large"):
        _run("-m", "benchmarks.coreml_networks", name, str(FOLDER))
    rows = [_measured(name, width) for name in TITLES for width in WIDTHS]
    lowering = json.loads(_run("-c", LOWERING, str(FOLDER / "MobileNetV2-float32.mlpackage")))
    memory = {width: json.loads(_run("-c", LOADING, str(FOLDER / f"large-{width}.mlpackage"))) for width in WIDTHS}
    PAGE.write_text(page(rows, lowering, memory))
    print(PAGE.read_text())


def _measured(name: str, width: str) -> Row:
    """The export and the lowered model in turn, on the same input."""
    import numpy as np
    import onnxruntime

    from paritygate.validate.coreml.files.package import open_package
    from paritygate.validate.coreml.lower import lower
    from paritygate.validate.coreml.runtime import Session

    export = onnxruntime.InferenceSession(FOLDER / f"{name}.onnx", providers=["CPUExecutionProvider"])
    session = Session(lower(open_package(FOLDER / f"{name}-{width}.mlpackage")))
    feeds, fed = _feeds(session, export)
    sides: tuple[Callable[[], Any], ...] = (lambda: export.run(None, fed), lambda: session.run(feeds))
    want, got = sides[0]()[0], next(iter(sides[1]().values()))
    times = [[_timed(side) for side in sides] for _ in range(ROUNDS)]
    onnx, lowered = (statistics.median(column) for column in zip(*times, strict=True))
    return Row(name, width, onnx, lowered, float(np.abs(want - got.astype(np.float32)).max()))


def _feeds(session: Session, export: Any) -> tuple[dict[str, Array], dict[str, Array]]:
    """The same input for both: exports take their indices as int64, Core ML as int32."""
    import numpy as np

    random = np.random.default_rng(0)
    (feature,), (given,) = session.inputs, export.get_inputs()
    shape = [d or 1 for d in feature.shape or ()]
    if feature.dtype.kind == "i":
        indices = random.integers(0, 1000, shape)
        return {feature.name: indices.astype(np.int32)}, {given.name: indices}
    values = random.standard_normal(shape, np.float32)
    return {feature.name: values}, {given.name: values}


def _timed(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _run(*arguments: str) -> str:
    """What a Python process prints last."""
    done = subprocess.run(
        [sys.executable, *arguments], check=False, capture_output=True, text=True,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments[:3])} failed:\n{done.stderr[-3000:]}")
    return (done.stdout.splitlines() or [""])[-1]


def page(rows: Sequence[Row], lowering: Sequence[float], memory: Mapping[str, Sequence[float]]) -> str:
    """The Markdown page."""
    lines = [
        "# Benchmarks of the Core ML engine",
        "",
        "Written by `make bench`. The run time of lowered Core ML models, compared with ONNX Runtime on the",
        f"framework's own ONNX export of the same network. The runs are interleaved ({ROUNDS} each), with the same",
        "threads; the ratios of the medians are reliable, the milliseconds are not. Goal for float32: at most",
        f"{GOAL}. A float16 program is compared with the float32 export: it computes the same, and also rounds",
        "each operator's result.",
        "",
        "| network | program | export, ms | lowered, ms | ratio | maximum difference |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {TITLES[r.name]} | {r.width} | {1e3 * r.onnx:.1f} | {1e3 * r.lowered:.1f} | **{r.lowered / r.onnx:.2f}** "
        f"| {r.difference:.1g} |"
        for r in rows
    ]
    first, again, busy = lowering
    lines += [
        "",
        f"Lowering MobileNetV2 takes {first:.2f} s in a new process including imports, and {again:.2f} s the second "
        f"time (goal: under {LOWERING_GOAL:.0f} s); the process uses {busy:.2f} s of CPU time in total.",
        "",
        "A package with 512 MB of weights in square layers, in its own process. Peaks of resident memory include",
        "the mapped pages of the weight file, and are given as multiples of the file size. Goal: at most",
        f"{MEMORY_GOAL}.",
        "",
        "| program | peak of loading | peak of running | median run, s |",
        "|---|---|---|---|",
        *(
            f"| {width}, {size / 2**20:.0f} MB | {loaded:.2f} | {ran:.2f} | {seconds:.2f} |"
            for width, (size, loaded, ran, seconds) in memory.items()
        ),
    ]
    known = ", ".join(f"{name} {version}" for name, version in versions().items())
    return "\n".join([*lines, "", f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} CPU cores, {known}.", ""])


if __name__ == "__main__":
    main()
