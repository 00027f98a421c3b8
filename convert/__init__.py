"""Convert a model, prove parity, only then export."""

from ..validate import ExitCode, ImageInput, ParityGateError, Report, Verdict
from ..validate.callable_module import make_callable
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

make_callable(__name__, convert)
