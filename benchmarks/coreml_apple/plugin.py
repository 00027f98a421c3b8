"""Pytest plugin: coremltools' tests see a Mac whose Core ML is paritygate's engine, and each one's end is recorded.

    python -m pytest -p benchmarks.coreml_apple.plugin --apple-record FILE [--apple-most N] TESTS...

``FILE`` gets one JSON line per test: ``id``, ``outcome``, ``predictions``, whether one of them was of a ``float16``
program, and unless it passed, the ``reason`` and how ``far`` off the numbers were, in steps of float16 at the greatest
expected one; and one line per test function: how many ``cases`` it has. ``--apple-most N`` runs at most N cases of each
function: those whose ids have the lowest CRC-32, which are the same each time.
"""

from __future__ import annotations

import gc
import json
import os
import platform
import random
import re
import signal
import sys
import zlib
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest

from .framework import PREDICTIONS, binding

MACOS = (15, 5)
SECONDS_PER_TEST = 300
LONGEST_REASON = 400
RECORDER = "apple-recorder"
FLOAT16_STEP = 2.0**-11
LIBRARIES: list[Any] = []
"""PyTorch forgets an operator with the library that declared it."""


class TooSlow(Exception):
    """A test took longer than it may."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("apple")
    group.addoption("--apple-record", type=Path)
    group.addoption("--apple-most", type=int, default=0, help="0: all")
    group.addoption("--apple-without", default="", help="frameworks, by comma, that coremltools shall not find")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Comes before coremltools' own conftest files, which import coremltools."""
    import scipy.special  # noqa: F401  its array checks break when it first sees torch as None

    os.environ.setdefault("INCLUDE_MIL_FP32_UNIT_TESTS", "1")
    for name in filter(None, early_config.known_args_namespace.apple_without.split(",")):
        sys.modules[name] = None  # type: ignore[assignment]  # Python's own way to hide a module
    _declare_torchvision()
    _pretend_to_be_a_mac()


def pytest_configure(config: pytest.Config) -> None:
    record = config.getoption("--apple-record")
    if record:
        config.pluginmanager.register(Recorder(record), RECORDER)


def _declare_torchvision() -> None:
    """torchvision's wheel has kernels for CUDA's torch only, and without their declarations its import fails."""
    if "torch" in sys.modules and sys.modules["torch"] is None:
        return
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    LIBRARIES.append(library)


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
    most = config.getoption("--apple-most") or len(items)
    cases: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        cases[function(item.nodeid)].append(item)
    kept = {item for group in cases.values() for item in sorted(group, key=_number)[:most]}
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = [item for item in items if item in kept]
    recorder = config.pluginmanager.get_plugin(RECORDER)
    if recorder:
        recorder.declare({name: len(group) for name, group in cases.items()})


def pytest_collection_finish() -> None:
    """coremltools collects garbage in every conversion: half a second each, with two frameworks' modules to look at."""
    gc.collect()
    gc.freeze()


def function(test: str) -> str:
    """A test's name without its parameters."""
    return test.partition("[")[0]


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
    with _deadline(), DISTANCE.watched():
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


class Distance:
    """How far off the last failing ``assert_allclose`` was, in steps of float16 at the greatest expected number."""

    def __init__(self) -> None:
        self._last: float | None = None

    def take(self) -> float | None:
        last, self._last = self._last, None
        return last

    @contextmanager
    def watched(self) -> Iterator[None]:
        original = np.testing.assert_allclose

        def assert_allclose(actual: Any, desired: Any, *rest: Any, **options: Any) -> None:
            try:
                original(actual, desired, *rest, **options)
            except AssertionError:
                self._measure(actual, desired)
                raise

        self._last, np.testing.assert_allclose = None, assert_allclose
        try:
            yield
        finally:
            np.testing.assert_allclose = original

    def _measure(self, actual: Any, desired: Any) -> None:
        got, want = np.asarray(actual), np.asarray(desired)
        numbers = got.dtype.kind in "fiu" and want.dtype.kind in "fiu"
        greatest = np.max(np.abs(want), initial=0) if numbers and got.shape == want.shape else 0
        if greatest and np.isfinite(got).all():
            error = np.max(np.abs(got - want.astype(np.float64)))
            self._last = round(float(error / (greatest * FLOAT16_STEP)), 2)


DISTANCE = Distance()


class Recorder:
    """Writes one line per finished test."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", buffering=1)

    def _write(self, **row: Any) -> None:
        self._file.write(json.dumps(row) + "\n")

    def declare(self, cases: dict[str, int]) -> None:
        for name, count in cases.items():
            self._write(function=name, cases=count)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.outcome != "passed" and report.nodeid:
            outcome = "skipped module" if report.skipped else "not importable"
            self._write(id=report.nodeid, outcome=outcome, predictions=0, float16=False, reason=_reason(report))

    def pytest_runtest_logstart(self) -> None:
        PREDICTIONS.take()

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
        outcome = yield
        report: pytest.TestReport = outcome.get_result()  # type: ignore[attr-defined]  # pluggy's result, untyped here
        if report.when == "call" or report.outcome != "passed":
            count, float16 = PREDICTIONS.take()
            why = {} if report.passed else {"reason": _reason(report), "far": DISTANCE.take()}
            self._write(id=item.nodeid, outcome=_outcome(report), predictions=count, float16=float16, **why)

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
