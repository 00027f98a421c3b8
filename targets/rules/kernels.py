"""ONNX Runtime's kernels: which nodes an execution provider of a release can compute.

https://github.com/microsoft/onnxruntime/blob/main/onnxruntime/core/framework/kernel_registry.cc
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from ..facts import read
from ..model import Node
from ..versions import within

CPU, CUDA, DIRECTML = (f"onnxruntime-{provider}-kernels" for provider in ("cpu", "cuda", "dml"))

FOLDED = frozenset({"Constant"})
"""What ONNX Runtime replaces while it loads a model."""

OWN = frozenset({"ai.onnx", "ai.onnx.ml", "com.microsoft"})
"""Domains whose kernels the facts list."""

_MOST_EXPANSIONS = 4


@dataclass(frozen=True, slots=True)
class Kernel:
    """One registration: the definitions that it serves, and the dtypes that each type parameter may have."""

    since: int
    until: int
    types: Mapping[str, frozenset[str]]

    def serves(self, node: Node, types: Mapping[str, str]) -> bool:
        """Whether it computes this node with these dtypes."""
        fits = (dtype in self.types[name] for name, dtype in types.items() if name in self.types)
        return self.since <= node.version <= self.until and all(fits)


@cache
def kernels(family: str, release: str) -> Mapping[tuple[str, str], tuple[Kernel, ...]]:
    """The kernels of one release, by (domain, operator)."""
    facts = read(family)
    sets = facts["typesets"]
    return {
        (domain, operator): tuple(_kernel(row, sets) for row in rows if within(release, row[2]))
        for domain, operators in facts["ops"].items()
        for operator, rows in operators.items()
    }


def _kernel(row: Sequence[Any], sets: Mapping[str, Sequence[str]]) -> Kernel:
    """An open end means this definition only: a later one has no kernel until one is registered."""
    since, until, _, types = (*row, {})[:4]
    named = {name: frozenset(sets[of] if isinstance(of, str) else of) for name, of in (types or {}).items()}
    return Kernel(since, since if until is None else until, named)


def runs(node: Node, family: str, release: str, depth: int = 0) -> bool:
    """Whether a provider computes a node, by a kernel of its own or by ONNX's definition in other operators.

    The CPU provider computes a float16 node without a kernel in float32.
    """
    found = kernels(family, release).get((node.domain, node.operator), ())
    if node.operator in FOLDED or any(kernel.serves(node, node.types) for kernel in found):
        return True
    if family == CPU and "float16" in node.types.values():
        widened = {name: "float" if dtype == "float16" else dtype for name, dtype in node.types.items()}
        if any(kernel.serves(node, widened) for kernel in found):
            return True
    return bool(node.body) and depth < _MOST_EXPANSIONS and all(runs(n, family, release, depth + 1) for n in node.body)


def missing_types(node: Node, family: str, release: str) -> str:
    """The dtypes for which a node has no kernel though there is one for others; "" where there is none at all."""
    found = [
        kernel
        for kernel in kernels(family, release).get((node.domain, node.operator), ())
        if kernel.since <= node.version <= kernel.until
    ]
    wrong = {
        dtype
        for name, dtype in node.types.items()
        if found and not any(name not in kernel.types or dtype in kernel.types[name] for kernel in found)
    }
    return ", ".join(sorted(wrong))


def versions_with_kernel(node: Node, family: str, release: str) -> tuple[int, int] | None:
    """The oldest and the newest definition of an operator that a release has a kernel for; None without any."""
    found = kernels(family, release).get((node.domain, node.operator), ())
    return (min(k.since for k in found), max(k.until for k in found)) if found else None
