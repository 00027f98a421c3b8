"""How a metric by name is written. Light: a gate asks before numpy is imported."""

from __future__ import annotations

import re

TEXT = re.compile(r"(?P<name>[a-z]+)\((?P<inside>[^()]*)\)(:(?P<limit>[0-9.eE+-]+))?")


def is_task_metric(text: str) -> bool:
    """Whether a text names a metric of ours: ``module:function`` has no brackets."""
    return TEXT.fullmatch(text.strip()) is not None
