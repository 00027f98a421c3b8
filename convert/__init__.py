"""Convert a model, prove parity, only then export."""

from ..validate.errors import ExitCode, ParityGateError
from .api import convert

__all__ = ["ExitCode", "ParityGateError", "convert"]
