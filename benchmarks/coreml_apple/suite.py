"""Which tests are run, and how: parts of coremltools' test suite, each in a process of its own."""

from __future__ import annotations

import importlib.util
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PACKAGES = Path("build/conformance/packages")
"""What the tests need beyond the project's own packages (requirements.txt); it comes first on the path."""
MEMORY = 12 << 30
CONTINUE = "--continue-on-collection-errors"
RECORDS = Path("build/conformance/records")


@dataclass(frozen=True, slots=True)
class Part:
    """Test files and folders of coremltools.

    ``most`` is the number of cases that are run of each test function, 0 for all; ``without`` are the frameworks that
    coremltools is kept from importing, for speed; ``minutes`` bound the part.
    """

    name: str
    paths: tuple[str, ...]
    most: int
    without: tuple[str, ...] = ("sklearn", "xgboost")
    minutes: int = 25


PARTS = (
    Part("operators", ("converters/mil/mil/ops/tests",), 2),
    Part("torch", ("converters/mil/frontend/torch/test",), 1, ("tensorflow", "sklearn", "xgboost"), 40),
    Part("tensorflow", ("converters/mil/frontend/tensorflow/test", "converters/mil/frontend/tensorflow2/test"), 1),
    Part(
        "programs",
        (
            "converters/mil/test_inputs_outputs_shape.py",
            "converters/mil/frontend/milproto",
            "converters/mil/backend",
            "converters/mil/mil/tests",
            "converters/mil/mil/passes/tests",
        ),
        2,
    ),
    Part(
        "models",
        tuple(f"test/{name}" for name in ("neural_network", "modelpackage", "ml_program", "pipeline", "api", "blob")),
        0,
    ),
    Part("compression", ("test/optimize", "optimize/coreml"), 1, ("tensorflow", "sklearn", "xgboost")),
    Part("classic", ("test/sklearn_tests", "test/xgboost_tests"), 0, ("tensorflow",)),
)


def run(part: Part) -> None:
    """Run one part's tests; what each of them came to is in the part's record, even when time runs out."""
    record = RECORDS / f"{part.name}.jsonl"
    record.parent.mkdir(parents=True, exist_ok=True)
    record.unlink(missing_ok=True)
    try:
        subprocess.run(
            command(part, record), env=environment(), check=False, timeout=part.minutes * 60, preexec_fn=_bound_memory
        )
    except subprocess.TimeoutExpired:
        print(f"{part.name}: stopped after {part.minutes} minutes", flush=True)


def _bound_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def command(part: Part, record: Path) -> list[str]:
    """Pytest with the plugin and without this project's own configuration."""
    root = coremltools()
    options = ["-q", "--tb=no", "-W", "ignore", "-c", os.devnull, "--rootdir", str(root.parent), CONTINUE]
    plugins = ["-pbenchmarks.coreml_apple.plugin", "-pno:cacheprovider", "-pno:hypothesispytest", "-pno:xdist"]
    own = ["--apple-record", str(record), "--apple-most", str(part.most), "--apple-without", ",".join(part.without)]
    return [sys.executable, "-m", "pytest", *options, *plugins, *own, *(str(root / path) for path in part.paths)]


def environment() -> dict[str, str]:
    """Float32 programs are tested too, hash order is fixed, and coremltools sees the Keras that it was written for."""
    path = os.pathsep.join([str(PACKAGES.resolve()), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    return os.environ | {
        "PYTHONPATH": path,
        "INCLUDE_MIL_FP32_UNIT_TESTS": "1",
        "PYTHONHASHSEED": "0",
        "TF_USE_LEGACY_KERAS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "OMP_NUM_THREADS": "1",
    }


def coremltools() -> Path:
    """Where the wheel's files are; importing it would take long."""
    spec = importlib.util.find_spec("coremltools")
    if spec is None or spec.origin is None:
        raise SystemExit("coremltools isn't installed")
    return Path(spec.origin).parent


def rows(records: Iterable[Path]) -> list[dict[str, Any]]:
    """What the plugin wrote; a test that ran more than once counts with its last run."""
    lines = (line for record in records if record.exists() for line in record.read_text().splitlines())
    latest = {("id" in row, row.get("id") or row["function"]): row for row in map(json.loads, lines)}
    return list(latest.values())
