"""Read a pickle for its data alone: an object of a class that isn't listed becomes an inert one.

A checkpoint holds tensors, and beside them whatever its author's program had at hand: options of a framework, metrics,
callbacks. Nothing of these is imported, called or changed; what the pickle says about them is kept as it stands.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, ClassVar, TypeGuard

from .names import Name
from .reader import Reader

_SYSTEM = sys.stdlib_module_names | {"__builtin__", "copy_reg", "torch", "numpy"}
"""What no checkpoint has to refer to beyond the listed names: a pickle that does so is refused, not read around."""

_DATA = frozenset(
    {("types", "SimpleNamespace"), ("re", "_compile"), ("signal", "Signals"), ("logging", "Logger")}
    | {(module, f"{kind}Path") for module in ("pathlib", "pathlib._local") for kind in ("Windows", "Posix")}
)
"""Of the standard library: what checkpoints keep by accident."""

_TORCH = ("torch.nn.modules.", "torch.nn.parallel.", "torch.nn.utils.", "torch.optim.", "torch.fx.")


class Inert:
    """Stands for one object: the class or function that made it (``origin``), and all that the pickle gave it."""

    origin: ClassVar[Name] = ("", "")

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        self.arguments = arguments
        self.keywords = keywords
        self.state: Any = None
        self.items: dict[Any, Any] = {}
        self.members: list[Any] = []

    @property
    def attributes(self) -> Mapping[Any, Any]:
        """The object's attributes, as far as its state says what they are."""
        states = self.state if isinstance(self.state, tuple) else (self.state,)
        return {name: value for state in states if isinstance(state, dict) for name, value in state.items()}


def is_inert(kind: Any) -> TypeGuard[type[Inert]]:
    """Whether a class is a stand-in."""
    return isinstance(kind, type) and issubclass(kind, Inert)


def may_stand_in(module: str, name: str) -> bool:
    """Whether an object of that name may be read as an inert one: not what belongs to the system itself."""
    if (module, name) in _DATA:
        return True
    if module.startswith(_TORCH):
        return name[:1].isupper()
    return module.partition(".")[0] not in _SYSTEM


class InertReader(Reader):
    """The guarded reader with stand-ins for the names of other packages. Raises ParityGateError as it does."""

    def find_class(self, module: str, name: str) -> Any:
        """The object of a listed name, a stand-in for one that isn't. Raises PG501 for what belongs to the system."""
        known = self.names.current(module, name)
        if known not in _DATA and (known in self.names or not may_stand_in(*known)):
            return super().find_class(module, name)
        return _stand_in(known)

    def call(self, function: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """As for every reader; what a stand-in would return is another one."""
        if is_inert(function):
            return function(*arguments, **keywords)
        return super().call(function, arguments, keywords)

    def _new(self, kind: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        return kind(*arguments, **keywords) if is_inert(kind) else super()._new(kind, arguments, keywords)

    def _reconstruct(self, kind: Any, base: Any, state: Any) -> Any:
        return kind(state) if is_inert(kind) else super()._reconstruct(kind, base, state)

    def _bound_method(self, owner: Any, name: str) -> Any:
        kind = owner if isinstance(owner, type) else type(owner)
        return _stand_in((*kind.origin[:1], str(name))) if is_inert(kind) else super()._bound_method(owner, name)

    def _check_function(self, function: Any) -> None:
        if not is_inert(function):
            super()._check_function(function)

    def build(self, made: Any, state: Any) -> None:
        """Keep the state of a stand-in; otherwise as for every reader."""
        if isinstance(made, Inert):
            made.state = state
        else:
            super().build(made, state)

    def _extend(self, target: Any, values: list[Any]) -> None:
        super()._extend(target.members if isinstance(target, Inert) else target, values)

    def _add(self, target: Any, values: list[Any]) -> None:
        if isinstance(target, Inert):
            target.members.extend(values)
        else:
            super()._add(target, values)

    def _fill(self, target: Any, items: list[Any]) -> None:
        super()._fill(target.items if isinstance(target, Inert) else target, items)


class DescribingReader(InertReader):
    """The same for a pickle of which nothing is to be made: every name gets a stand-in, listed or not."""

    def find_class(self, module: str, name: str) -> Any:
        """A stand-in."""
        return _stand_in((module, name))

    def persistent_load(self, key: Any) -> Any:
        """What stands outside of the pickle isn't looked for; PyTorch's old files refer to classes in this way, too."""
        return key[1] if isinstance(key, tuple) and key[:1] == ("module",) else key


def _stand_in(name: Name) -> type[Inert]:
    return type("Inert", (Inert,), {"origin": name})
