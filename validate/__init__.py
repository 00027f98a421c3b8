"""Do these two models agree on these inputs?"""

from .api import inspect, run, validate
from .callable_module import make_callable
from .errors import ExitCode, ParityGateError
from .options import (
    BindOptions,
    CandidateOptions,
    DynamicAxis,
    InspectOptions,
    JudgeOptions,
    LoadOptions,
    PolicyName,
    RunModelOptions,
    RunOptions,
    SampleOptions,
    ValidateOptions,
)
from .report.report import Report
from .report.types import Severity, Verdict
from .signature import Hint, ImageInput, Signature, TensorSpec
from .verdict.policy import Policy

__all__ = [
    "BindOptions",
    "CandidateOptions",
    "DynamicAxis",
    "ExitCode",
    "Hint",
    "ImageInput",
    "InspectOptions",
    "JudgeOptions",
    "LoadOptions",
    "ParityGateError",
    "Policy",
    "PolicyName",
    "Report",
    "RunModelOptions",
    "RunOptions",
    "SampleOptions",
    "Severity",
    "Signature",
    "TensorSpec",
    "ValidateOptions",
    "Verdict",
    "inspect",
    "run",
    "validate",
]

make_callable(__name__, validate)
