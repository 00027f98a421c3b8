"""Which routes lead from a source format to a target, in the order in which they are tried: strings only."""

from __future__ import annotations

_ROUTES = "paritygate.convert.routes"

Steps = tuple[str, ...]
"""Modules that each have one function ``convert``, a :class:`.base.Route`; all but the last write ONNX for the next."""

_TO_ONNX = {
    "onnx": "onnx_to_onnx",
    "saved_model": "tf_to_onnx",
    "graphdef": "tf_to_onnx",
    "keras": "tf_to_onnx",
    "tflite": "tflite_to_onnx",
    "torch_export": "torch_to_onnx",
    "torchscript": "torchscript_to_onnx",
    "torch_module": "torch_to_onnx",
    "torch_factory": "torch_to_onnx",
    "coreml": "coreml_to_onnx",
    "sklearn": "sklearn_to_onnx",
    "xgboost": "sklearn_to_onnx",
    "lightgbm": "sklearn_to_onnx",
    "catboost": "sklearn_to_onnx",
}

_TO_COREML = {
    "saved_model": "tf_to_coreml",
    "graphdef": "tf_to_coreml",
    "keras": "tf_to_coreml",
    "torch_export": "torch_to_coreml",
    "torchscript": "torch_to_coreml",
    "torch_module": "torch_to_coreml",
    "torch_factory": "torch_to_coreml",
    "sklearn": "sklearn_to_coreml",
    "xgboost": "sklearn_to_coreml",
    "lightgbm": "sklearn_to_coreml",
    "catboost": "sklearn_to_coreml",
}
"""Routes without ONNX in between: coremltools' own frontends, and models that Core ML has itself."""


def _direct(module: str) -> Steps:
    return (f"{_ROUTES}.{module}",)


def _through_onnx(module: str) -> Steps:
    return f"{_ROUTES}.{module}", f"{_ROUTES}.onnx_to_coreml"


ROUTES: dict[tuple[str, str], tuple[Steps, ...]] = {
    **{(source, "onnx"): (_direct(module),) for source, module in _TO_ONNX.items()},
    **{(source, "coreml"): (_through_onnx(module),) for source, module in _TO_ONNX.items()},
    ("onnx", "coreml"): (_direct("onnx_to_coreml"),),
    **{(source, "coreml"): (_direct(module), _through_onnx(_TO_ONNX[source])) for source, module in _TO_COREML.items()},
}
"""(source format, target) -> routes."""
