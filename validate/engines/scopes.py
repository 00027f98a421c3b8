"""Which options are for which models only: one table, read before anything is opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import ParityGateError
from ..options import JudgeOptions, LoadOptions, OptionGroup
from . import registry as formats
from .registry import Format


@dataclass(frozen=True, slots=True)
class Scope:
    """An option that applies to models of some formats only; ``purpose`` completes "it ..."."""

    option: str
    purpose: str
    formats: tuple[Format, ...]


_ESTIMATORS = (formats.SKLEARN_ESTIMATOR, formats.XGBOOST_MODEL, formats.LIGHTGBM_MODEL, formats.CATBOOST_MODEL)
_UNDECLARED = (
    formats.SAVED_MODEL,
    formats.GRAPHDEF,
    formats.KERAS_MODEL,
    formats.TORCHSCRIPT,
    formats.TORCH_MODULE,
    formats.TORCH_FACTORY,
)
_CALLABLE = (formats.TORCHSCRIPT, formats.TORCH_MODULE, formats.TORCH_FACTORY)

LOADING: Mapping[str, Scope] = {
    "signature": Scope(
        "--signature",
        "names a signature of a SavedModel or a TensorFlow Lite model, or a function of a Core ML program",
        (formats.SAVED_MODEL, formats.TFLITE, formats.COREML),
    ),
    "weights": Scope("--weights", "is the state dict of a module:factory source", (formats.TORCH_FACTORY,)),
    "inputs": Scope("--input", "is for models that don't say what they take", (*_UNDECLARED, *_ESTIMATORS)),
    "constants": Scope("--input", "gives PyTorch modules and TorchScript arguments that are not arrays", _CALLABLE),
    "dtype": Scope(
        "--dtype", "is for models that take either width, as those of scikit-learn and the boosters do", _ESTIMATORS
    ),
}
"""Field of :class:`LoadOptions` -> the models that it is for; the other fields are for all."""

JUDGING: Mapping[str, Scope] = {
    "second_opinion": Scope("--second-opinion", "runs an ONNX candidate in onnx.reference", (formats.ONNX,)),
}
"""Field of :class:`JudgeOptions` -> the candidates that it is for; the other fields are for all."""


def check_loading(options: LoadOptions, format: Format) -> None:
    """Raises ParityGateError PG201 for an option that doesn't apply to the model that is loaded."""
    check_scopes(LOADING, options, format, "the model is")


def check_judging(options: JudgeOptions, candidate: Format) -> None:
    """Raises ParityGateError PG201 for an option that doesn't apply to the candidate."""
    check_scopes(JUDGING, options, candidate, "the candidate is")


def check_scopes(scopes: Mapping[str, Scope], options: OptionGroup, format: Format, what: str) -> None:
    """Raises ParityGateError PG201 for an option that was given, that is, differs from its default, and can't apply."""
    default = type(options)()
    for field, scope in scopes.items():
        if getattr(options, field) != getattr(default, field) and format not in scope.formats:
            cause = f"it {scope.purpose}, and {what} {format.title}"
            raise ParityGateError("PG201", scope.option, cause, "Leave it out.")
