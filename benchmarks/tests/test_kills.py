"""A quick part of ``make kills``: real signals before some of the lines that touch files, and at random moments."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.kills.models import KINDS
from benchmarks.kills.outcome import Kill
from paritygate.validate.files import replace

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
from pathlib import Path
from benchmarks.kills.{module} import {name}
for kill in {name}(Path(sys.argv[1]), {argument}):
    print(repr(kill))
"""


def kills(folder: Path, module: str, name: str, argument: str) -> list[Kill]:
    """In a process of its own: it forks, and a process that runs tests has threads."""
    script = SCRIPT.format(module=module, name=name, argument=argument)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", script, str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [eval(line, {"Kill": Kill}) for line in done.stdout.splitlines()]  # what we have just printed


def test_output_is_old_or_new_at_every_line(tmp_path: Path) -> None:
    found = kills(tmp_path, "steps", "kills_at_lines", "23")
    assert [kill for kill in found if not kill.right] == []
    states = Counter((kill.kind, kill.output) for kill in found)
    assert all(states[kind, "old"] and states[kind, "new"] for kind in KINDS), states


def test_no_line_leaves_a_package_missing(tmp_path: Path) -> None:
    """The two names change places in one line: none of those around it is left out."""
    given = f"kinds=('mlpackage',), signals=(9,), traced=({replace.__file__!r},)"
    found = kills(tmp_path, "steps", "kills_at_lines", given)
    assert len(found) > 20
    assert [kill for kill in found if not kill.right] == []


@pytest.mark.skipif(sys.platform != "linux", reason="the promise about processes is the kernel's")
def test_a_killed_command_leaves_nothing(tmp_path: Path) -> None:
    found = kills(tmp_path, "moments", "kills_at_moments", "1, kinds=('external data',), signals=(9,)")
    assert len(found) == 2
    assert [kill for kill in found if not kill.right] == []
