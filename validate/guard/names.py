"""The names that a pickle may import: exact ones, and for each what the pickle may do with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Name = tuple[str, str]
"""A module and a name in it that holds no dot."""

StateCheck = Callable[[Any, Any], Any]
"""Takes an instance and the state that the pickle gives it; returns the state to use, or raises ValueError."""


def exact(table: Mapping[str, str]) -> frozenset[Name]:
    """Names from a table of modules, each with its names separated by spaces."""
    return frozenset((module, name) for module, names in table.items() for name in names.split())


@dataclass(frozen=True, slots=True)
class Names:
    """Everything that a pickle may import; what isn't listed is refused.

    Every entry is a module and a name, compared as a whole: there are no prefixes, patterns or packages. ``classes``
    may be instantiated without their ``__init__`` and be given a state; ``calls`` may be called with the pickle's own
    arguments; ``values`` may only be referred to, such as a metric that an estimator keeps as a parameter.
    ``methods`` are (module, class, method) that a bound method may be made of. ``moved`` maps names of other
    releases to listed ones. ``states`` check the state of classes that would run or trust what it holds.
    """

    classes: frozenset[Name] = frozenset()
    calls: frozenset[Name] = frozenset()
    values: frozenset[Name] = frozenset()
    methods: frozenset[tuple[str, str, str]] = frozenset()
    moved: Mapping[Name, Name] = field(default_factory=dict)
    states: Mapping[Name, StateCheck] = field(default_factory=dict)

    def current(self, module: str, name: str) -> Name:
        """The name that a name of another release has today, or the name itself."""
        return self.moved.get((module, name), (module, name))

    def __contains__(self, name: Name) -> bool:
        return name in self.classes or name in self.calls or name in self.values

    def modules(self) -> frozenset[str]:
        """The modules of all listed names."""
        return frozenset(module for module, _ in self.classes | self.calls | self.values)

    def __or__(self, other: Names) -> Names:
        return Names(
            self.classes | other.classes,
            self.calls | other.calls,
            self.values | other.values,
            self.methods | other.methods,
            {**self.moved, **other.moved},
            {**self.states, **other.states},
        )
