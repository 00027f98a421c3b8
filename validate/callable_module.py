"""A package that is named like its main function can be called like it: ``paritygate.validate(...)``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any


class CallableModule(ModuleType):
    """A module that forwards calls to the function that it wraps."""

    __wrapped__: Callable[..., Any]  # where inspect.signature and help() find the parameters

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """Call the function."""
        return self.__wrapped__(*arguments, **keywords)


def make_callable(name: str, function: Callable[..., Any]) -> None:
    """Let the imported module ``name`` be called as ``function``."""
    module: Any = sys.modules[name]
    module.__class__ = CallableModule
    module.__wrapped__ = function
