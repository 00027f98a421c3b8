"""A damaged file gives a clear error, a result, or a crash that is contained: never a bug, never a hang."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.damaged.mutate import SEED, mutations
from fixtures.damaged.server import LIMIT, WRONG

ROOT = Path(__file__).parents[3]
QUICK = (
    "model.onnx",
    "network.mlmodel",
    "package.mlpackage",
    "lightgbm.txt",
    "samples.npz",
    "samples.csv",
    "image.png",
)
"""Files whose libraries are imported quickly; ``make fuzz`` takes all."""

COPIES = 6


@pytest.mark.parametrize("name", QUICK)
def test_a_damaged_file_is_no_bug(name: str, tmp_path: Path):
    command = [sys.executable, "-m", "fixtures.damaged.server", name, str(tmp_path), str(COPIES), str(SEED)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    lines = [line.split("\t", 3) for line in done.stdout.splitlines()]
    assert len(lines) == 2 * COPIES
    assert [line for line in lines if line[2] in {WRONG, LIMIT}] == []


def test_the_same_seed_gives_the_same_damage():
    content = bytes(range(256)) * 4
    assert list(mutations(content, 36)) == list(mutations(content, 36))
    assert all(damaged != content for damaged in mutations(content, 36, seed=3) if len(damaged) != len(content))
    assert list(mutations(content, 36)) != list(mutations(content, 36, seed=3))
