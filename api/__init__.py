"""Convert models, prove numerical parity, and only then export.

``convert`` and ``validate`` are functions, and the packages with their options too: ``paritygate.convert(...)`` and
``from paritygate.convert.options import ConvertOptions`` both work. Importing this package costs nothing: each name is
looked up when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .validate.public import looked_up

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

_names = looked_up(__name__, {"convert": "Conversion", "validate": "ParityGateError Report Verdict inspect run"})


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("paritygate")
    if name in ("convert", "validate"):  # packages that can be called
        return import_module(f".{name}", __name__)
    return _names(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
