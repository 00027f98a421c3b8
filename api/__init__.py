"""Convert models, prove numerical parity, and only then export.

``convert`` and ``validate`` are functions, and the packages with their options too: ``paritygate.convert(...)`` and
``from paritygate.convert.options import ConvertOptions`` both work. Importing this package costs nothing: each name is
looked up when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .convert.api import convert
    from .convert.conversion import Conversion
    from .validate.api import inspect, run, validate
    from .validate.errors import ParityGateError
    from .validate.report.report import Report
    from .validate.report.types import Verdict

    __version__: str

__all__ = [
    "Conversion",
    "ParityGateError",
    "Report",
    "Verdict",
    "__version__",
    "convert",
    "inspect",
    "run",
    "validate",
]

_PACKAGES = ("convert", "validate")
"""Packages that can be called: see :mod:`paritygate.validate.callable_module`."""

_HOMES = {
    "Conversion": "convert",
    "ParityGateError": "validate",
    "Report": "validate",
    "Verdict": "validate",
    "inspect": "validate",
    "run": "validate",
}
"""Public name -> the package that has it."""


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("paritygate")
    if name in _PACKAGES:
        return import_module(f".{name}", __name__)
    if name in _HOMES:
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
