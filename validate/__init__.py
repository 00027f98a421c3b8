"""Do these two models agree on these inputs?"""

from typing import TYPE_CHECKING

from .public import looked_up, make_callable

if TYPE_CHECKING:
    from .api import inspect, run, validate
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

__getattr__ = looked_up(
    __name__,
    {
        "api": "inspect run validate",
        "errors": "ExitCode ParityGateError",
        "options": "BindOptions CandidateOptions DynamicAxis InspectOptions JudgeOptions LoadOptions PolicyName "
        "RunModelOptions RunOptions SampleOptions ValidateOptions",
        "report.report": "Report",
        "report.types": "Severity Verdict",
        "signature": "Hint ImageInput Signature TensorSpec",
        "verdict.policy": "Policy",
    },
)
make_callable(__name__)
