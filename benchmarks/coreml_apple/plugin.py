"""Pytest plugin: coremltools' tests see a Mac whose Core ML is paritygate's engine, and each one's end is recorded.

    python -m pytest -p benchmarks.coreml_apple.plugin --apple-record FILE [--apple-every N] TESTS...

``FILE`` gets one JSON line per test: ``id``, ``outcome``, ``predictions`` and, unless it passed, ``reason``.
``--apple-every N`` runs the tests whose id's CRC-32 is divisible by N, which is the same sample each time.
"""

from __future__ import annotations

import json
import os
import platform
import random
import re
import signal
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest

from .framework import CALLS, binding

MACOS = (15, 5)
SECONDS_PER_TEST = 120
LONGEST_REASON = 400


class TooSlow(Exception):
    """A test took longer than it may."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("apple")
    group.addoption("--apple-record", type=Path)
    group.addoption("--apple-every", type=int, default=1)
    group.addoption("--apple-without", default="", help="frameworks, by comma, that coremltools shall not find")


def pytest_configure(config: pytest.Config) -> None:
    os.environ.setdefault("INCLUDE_MIL_FP32_UNIT_TESTS", "1")
    for name in filter(None, config.getoption("--apple-without").split(",")):
        sys.modules[name] = None  # type: ignore[assignment]  # Python's own way to hide a module
    _pretend_to_be_a_mac()
    record = config.getoption("--apple-record")
    if record:
        config.pluginmanager.register(Recorder(record))


def _pretend_to_be_a_mac() -> None:
    sys.modules["coremltools.libcoremlpython"] = binding()
    import coremltools._deps

    coremltools._deps._IS_MACOS = True
    answers = {"_is_macos": lambda: True, "_macos_version": lambda: MACOS}
    for name, module in list(sys.modules.items()):
        if name.startswith("coremltools."):
            vars(module).update({k: v for k, v in answers.items() if k in vars(module)})
    platform.machine = lambda: "arm64"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    every = config.getoption("--apple-every")
    left_out = [item for item in items if _number(item) % every]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not _number(item) % every]


def _number(item: pytest.Item) -> int:
    return zlib.crc32(item.nodeid.encode())


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Seed each test by its own name, so that it has the same numbers whatever runs before it; and bound its time."""
    seed = _number(item)
    random.seed(seed)
    np.random.seed(seed)
    if sys.modules.get("torch"):
        sys.modules["torch"].manual_seed(seed)
    with _deadline():
        yield


@contextmanager
def _deadline() -> Iterator[None]:
    def expire(number: int, frame: FrameType | None) -> None:
        raise TooSlow(f"longer than {SECONDS_PER_TEST} s")

    before = signal.signal(signal.SIGALRM, expire)
    signal.alarm(SECONDS_PER_TEST)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


class Recorder:
    """Writes one line per finished test."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", buffering=1)

    def _write(self, **row: Any) -> None:
        self._file.write(json.dumps(row) + "\n")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.outcome != "passed" and report.nodeid:
            outcome = "skipped module" if report.skipped else "not importable"
            self._write(id=report.nodeid, outcome=outcome, predictions=0, reason=_reason(report))

    def pytest_runtest_logstart(self) -> None:
        CALLS.take()

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
        outcome = yield
        report: pytest.TestReport = outcome.get_result()  # type: ignore[attr-defined]  # pluggy's result, untyped here
        if report.when == "call" or report.outcome != "passed":
            row = {"id": item.nodeid, "outcome": _outcome(report), "predictions": CALLS.take()}
            self._write(**row, **({} if report.passed else {"reason": _reason(report)}))

    def pytest_unconfigure(self) -> None:
        self._file.close()


def _outcome(report: pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        return "xfailed" if report.skipped else "xpassed"
    return report.outcome


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """The last line that says what went wrong, or a skip's reason."""
    if hasattr(report, "wasxfail"):
        return str(report.wasxfail)[:LONGEST_REASON]
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        return re.sub(r"\s+", " ", crash.message)[:LONGEST_REASON]
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.strip().splitlines()[-1][:LONGEST_REASON] if text.strip() else ""
