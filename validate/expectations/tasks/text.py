"""How a metric by name is written. Light: a gate asks before numpy is imported."""

from __future__ import annotations

import re
from pathlib import Path

TEXT = re.compile(r"(?P<name>[a-z]+)\((?P<inside>[^()]*)\)(:(?P<limit>[0-9.eE+-]+))?")


def is_task_metric(text: str) -> bool:
    """Whether a text names a metric of ours: ``module:function`` has no brackets."""
    return TEXT.fullmatch(text.strip()) is not None


_TRUTH = re.compile(r"(?P<key>\btruth\s*=\s*)(?P<file>[^,()]+)")


def truth_of(text: str) -> Path | None:
    """The file with the true answers that a metric of ours names."""
    found = _TRUTH.search(text)
    return Path(found["file"].strip()) if found else None


def with_truth_in(text: str, folder: Path) -> str:
    """The metric with the path of its file started from ``folder``."""
    return _TRUTH.sub(lambda found: f"{found['key']}{folder / found['file'].strip()}", text)
