"""The public names: what is exported is listed here once, and nothing else is promised."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

PUBLIC = {
    "paritygate": {
        "Conversion",
        "ParityGateError",
        "Report",
        "Verdict",
        "__version__",
        "convert",
        "inspect",
        "run",
        "validate",
    },
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


@pytest.mark.parametrize(
    ("name", "home", "arguments"),
    [
        ("convert", "paritygate.convert", "'missing.onnx', 'out.onnx'"),
        ("validate", "paritygate.validate", "'missing.onnx', 'missing.onnx'"),
        ("run", "paritygate.validate", "'missing.onnx', 'out.npz'"),
        ("inspect", "paritygate.validate", "'missing.onnx'"),
    ],
)
def test_the_package_gives_functions_under_the_names_of_its_packages(name: str, home: str, arguments: str) -> None:
    """In a fresh process: an import before could have put the name there."""
    script = f"""
import inspect as standard
from paritygate import {name}
from {home} import {name} as function
assert callable({name}) and standard.signature({name}) == standard.signature(function)
import paritygate, paritygate.convert.options, paritygate.validate as package
assert package.Report is paritygate.Report and paritygate.__version__
try:
    {name}({arguments})
except paritygate.ParityGateError as error:
    print(error.code)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("PG2")


@pytest.mark.parametrize("package", PUBLIC)
def test_importing_the_library_imports_nothing_heavy(package: str) -> None:
    script = f"import sys, {package}; print({{'numpy', 'onnx', 'onnxruntime', 'rich'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
