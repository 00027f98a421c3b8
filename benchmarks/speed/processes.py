"""Runs a command and measures it: wall time, and the memory of it and of all its children together."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

ENVIRONMENT = {"TF_CPP_MIN_LOG_LEVEL": "3"}
_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Cost:
    """What one command took: wall time in seconds, the peak of resident memory in MiB."""

    seconds: float
    peak: float


def run(*command: str) -> Cost:
    """Run a command to its end. Exits with its output where it fails."""
    start = time.perf_counter()
    log = Path("out/bench/log.txt")
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=os.environ | ENVIRONMENT)
        peak = 0.0
        while process.poll() is None:
            peak = max(peak, _resident(process.pid))
            with suppress(subprocess.TimeoutExpired):
                process.wait(_POLL_SECONDS)
    if process.returncode:
        raise SystemExit(f"{' '.join(command[:4])} failed:\n{log.read_text(errors='replace')[-3000:]}")
    return Cost(time.perf_counter() - start, peak)


def _resident(pid: int) -> float:
    """The resident MiB of a process and its children."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        return sum(each.memory_info().rss for each in [process, *process.children(recursive=True)]) / 2**20
    return 0.0
