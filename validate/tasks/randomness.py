"""Which operators draw random numbers. Light."""

from __future__ import annotations

from collections.abc import Iterable

_OTHERS = frozenset({"Bernoulli", "Multinomial", "categoricalDistribution"})


def random_operators(operators: Iterable[str]) -> tuple[str, ...]:
    """Those that do, by ONNX's, ML Programs' and neural networks' names, in alphabetical order."""
    return tuple(sorted(name for name in operators if name.lower().startswith("random") or name in _OTHERS))
