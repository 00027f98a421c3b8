"""Kill whole commands, or one of their workers, at random moments."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import psutil

from paritygate.convert.export import check_output
from paritygate.validate.workers.job_folder import temporary_folder

from .models import KINDS, State, empty, source, state_of
from .outcome import Kill
from .steps import SIGNALS, target_of

_PATIENCE = 10.0
"""Seconds within which nothing of a killed command may be left."""

_RIGHT_OF_WORKERS = {0, 3}


def kills_at_moments(
    folder: Path, rounds: int, kinds: Collection[str] = KINDS, signals: Collection[int] = SIGNALS, seed: int = 0
) -> Iterator[Kill]:
    """``rounds`` kills for each kind of OUTPUT, each signal, and each of parent and worker."""
    draw = random.Random(seed)
    for kind in kinds:
        name = KINDS[kind]
        place = empty(folder) / "out" / name
        place.parent.mkdir()
        temporary = empty(folder / "tmp")
        os.environ["TMPDIR"] = str(temporary)
        old, new = (source(folder / f"source{k}", k, external=kind == "external data") for k in (2, 3))
        seconds, expected = _proved(old, new, place)
        for number in map(signal.Signals, signals):
            for whose in ("parent", "worker"):
                for _ in range(rounds):
                    _restored(old, place)
                    kill = _killed(new, place, whose, number, draw.uniform(0.1, 1.05) * seconds, draw)
                    found = next((name for name, state in expected.items() if state.content == kill.output), "other")
                    yield replace(kill, kind=kind, output=found, left=_left(kind, place, temporary))


def _command(model: Path, place: Path) -> list[str]:
    options = ["--opset", "18"] if place.suffix == ".onnx" else []
    line = [sys.executable, "-P", "-m", "paritygate.cli", "convert", str(model), "-o", str(place), "--budget", "0"]
    return [*line, "--quiet", *options]


def _proved(old: Path, new: Path, place: Path) -> tuple[float, dict[str, State]]:
    """What both models look like as OUTPUT, and how long a command takes that nobody kills."""
    expected = {}
    seconds = 0.0
    for name, model in (("new", new), ("old", old)):
        start = time.monotonic()
        subprocess.run(_command(model, place), check=True)
        seconds = time.monotonic() - start
        expected[name] = state_of(place)
    return seconds, expected


def _restored(old: Path, place: Path) -> None:
    """The old model back in its place; it stays there if the last kill has left it."""
    saved = place.parent.parent / "saved"
    if not saved.exists():
        subprocess.run(["cp", "-r", str(place.parent), str(saved)], check=True)
    empty(place.parent)
    subprocess.run(["cp", "-r", f"{saved}/.", str(place.parent)], check=True)


def _killed(model: Path, place: Path, whose: str, number: signal.Signals, after: float, draw: random.Random) -> Kill:
    process = subprocess.Popen(_command(model, place), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    started = psutil.Process(process.pid)
    time.sleep(after)
    children = _children(started)
    if whose == "parent":
        process.send_signal(number)
    elif children:
        _send(draw.choice(children), number)
    _, text = process.communicate(timeout=120)
    status = process.returncode
    right = _RIGHT_OF_WORKERS if whose == "worker" else {0, 128 + number, -number}
    return Kill(
        "",
        f"moment, {number.name} to {whose}",
        f"{after:.2f} s",
        state_of(place).content or "missing",
        orphans=_survivors(children),
        status="" if status in right else f"status {status}: {text[-200:]}",
    )


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        found: list[psutil.Process] = process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return found


def _send(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


def _survivors(processes: Sequence[psutil.Process]) -> int:
    deadline = time.monotonic() + _PATIENCE
    while (alive := sum(map(_alive, processes))) and time.monotonic() < deadline:
        time.sleep(0.05)
    return alive


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _left(kind: str, place: Path, temporary: Path) -> tuple[str, ...]:
    """What is still there after the next run has looked at OUTPUT and made its own folder."""
    check_output(place, target_of(kind))
    with temporary_folder():
        pass
    return (*state_of(place).beside, *(path.name for path in temporary.iterdir()))
