"""A fixed sample of Apple's own tests (benchmarks/coreml_apple runs many more): they must predict, and pass."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

from fixtures.apple_tests.suite import Part, command, environment

ROOT = Path(__file__).parents[3]
OPERATORS = "converters/mil/mil/ops/tests"
LAYERS = "test/neural_network/test_numpy_nn_layers.py"
PREDICTING = {
    f"{OPERATORS}/iOS14/test_activation.py": 20,
    f"{OPERATORS}/iOS14/test_control_flow.py": 10,
    f"{OPERATORS}/iOS17/test_elementwise_unary.py": 1,
    f"{OPERATORS}/iOS18/test_states.py": 4,
    f"{OPERATORS}/iOS18/test_transformers.py": 2,
}
"""Test files, and how many of their tests reach a prediction, at least, of one case per function."""


def test_a_sample_of_apples_tests_predicts_and_passes(tmp_path: Path):
    rows = run(tmp_path, Part("sample", tuple(PREDICTING), 1))
    reached = Counter(row["id"].partition("::")[0].removeprefix("coremltools/") for row in rows if row["predictions"])
    assert not [row for row in rows if row["outcome"] in ("failed", "not importable")]
    assert {file: reached[file] for file in PREDICTING if reached[file] < PREDICTING[file]} == {}


def test_an_engine_that_is_one_percent_off_fails_apples_tests(tmp_path: Path):
    part = Part("layers", (LAYERS,), 1, ("tensorflow", "sklearn", "xgboost"))
    chosen = ["-k", "test_unary_exp or test_gelu_activation or test_batched_mat_mul_cpu"]
    sound = run(tmp_path, part, *chosen)
    broken = run(tmp_path, part, *chosen, "-p", "broken_engine")
    assert [(row["outcome"], row["predictions"] > 0) for row in sound] == [("passed", True)] * 3
    assert [(row["outcome"], row["predictions"] > 0) for row in broken] == [("failed", True)] * 3


def run(folder: Path, part: Part, *options: str) -> list[dict[str, Any]]:
    """The result of each test of ``part``."""
    record = folder / f"{len(options)}.jsonl"
    # With the project's own packages only, whether or not those of `make conformance` are installed.
    own = {"PYTHONPATH": str(Path(__file__).parent), "TF_USE_LEGACY_KERAS": "0"}
    subprocess.run([*command(part, record), *options], env=environment() | own, cwd=ROOT, check=False, timeout=600)
    return [row for line in record.read_text().splitlines() if "id" in (row := json.loads(line))]
