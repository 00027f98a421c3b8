"""What tells a finding apart from all others, and stays the same from run to run."""

from __future__ import annotations

import hashlib
from collections import Counter

from ..document import Entry
from ..problems import Problem

_DIGITS = 32


def fingerprint(entry: Entry, problem: Problem, seen: Counter[str]) -> str:
    """Of the model, the target, the code and the place, never of figures; ``seen`` numbers those that are alike."""
    key = "\0".join((entry.model, entry.target, problem.code, problem.where))
    seen[key] += 1
    return hashlib.sha256(f"{key}\0{seen[key]}".encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
