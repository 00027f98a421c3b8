"""Convert a model, prove parity, only then export."""

from typing import TYPE_CHECKING

from ..validate.public import looked_up, make_callable

if TYPE_CHECKING:
    from ..validate import ExitCode, ImageInput, ParityGateError, Report, Verdict
    from .api import convert
    from .conversion import Conversion
    from .options import ConvertOptions, CoreMLOptions, Precision, TargetOptions

__all__ = [
    "Conversion",
    "ConvertOptions",
    "CoreMLOptions",
    "ExitCode",
    "ImageInput",
    "ParityGateError",
    "Precision",
    "Report",
    "TargetOptions",
    "Verdict",
    "convert",
]

__getattr__ = looked_up(
    __name__,
    {
        "api": "convert",
        "conversion": "Conversion",
        "options": "ConvertOptions CoreMLOptions Precision TargetOptions",
        ".validate": "ExitCode ImageInput ParityGateError Report Verdict",
    },
)
make_callable(__name__)
