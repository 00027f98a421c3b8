"""Do these two models agree on these inputs?"""

from .api import validate
from .errors import ExitCode, ParityGateError
from .signature import Hint, Signature, TensorSpec

__all__ = ["ExitCode", "Hint", "ParityGateError", "Signature", "TensorSpec", "validate"]
