"""The public names: what is exported is listed here once, and nothing else is promised."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

PUBLIC = {
    "paritygate.convert": {
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
    },
    "paritygate.validate": {
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
    },
}


@pytest.mark.parametrize("package", PUBLIC)
def test_exported_names(package: str) -> None:
    module = importlib.import_module(package)
    assert set(module.__all__) == PUBLIC[package]
    assert all(getattr(module, name).__doc__ for name in module.__all__)


@pytest.mark.parametrize("package", PUBLIC)
def test_importing_the_library_imports_nothing_heavy(package: str) -> None:
    script = f"import sys, {package}; print({{'numpy', 'onnx', 'onnxruntime', 'rich'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
