"""What the public packages have in common: names that are looked up when they are first used, and calls.

Importing ``paritygate`` or one of its packages costs nothing, so that ``--help`` and a shell's completion stay fast.
A package that is named like its main function can be called like it: ``paritygate.validate(...)``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any


def looked_up(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """The ``__getattr__`` of a package; ``homes`` maps its modules to their public names, divided by spaces."""
    modules = {name: module for module, names in homes.items() for name in names.split()}

    def look_up(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f".{modules[name]}", package), name)

    return look_up


class CallableModule(ModuleType):
    """A package that forwards calls to its function of the same name."""

    @property
    def __wrapped__(self) -> Callable[..., Any]:  # where inspect.signature and help() find the parameters
        function: Callable[..., Any] = getattr(self, self.__name__.rpartition(".")[2])
        return function

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """Call the function."""
        return self.__wrapped__(*arguments, **keywords)


def make_callable(package: str) -> None:
    """Let the package, which is being imported, be called as its function."""
    module: Any = sys.modules[package]
    module.__class__ = CallableModule
