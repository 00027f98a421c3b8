"""Which routes lead from a source format to a target, in the order in which they are tried: strings only."""

from __future__ import annotations

_ROUTES = "paritygate.convert.routes"

ROUTES: dict[tuple[str, str], tuple[str, ...]] = {
    ("onnx", "onnx"): (f"{_ROUTES}.onnx_to_onnx",),
    ("saved_model", "onnx"): (f"{_ROUTES}.tf_to_onnx",),
    ("graphdef", "onnx"): (f"{_ROUTES}.tf_to_onnx",),
    ("keras", "onnx"): (f"{_ROUTES}.tf_to_onnx",),
    ("tflite", "onnx"): (f"{_ROUTES}.tflite_to_onnx",),
    ("torch_export", "onnx"): (f"{_ROUTES}.torch_to_onnx",),
    ("torchscript", "onnx"): (f"{_ROUTES}.torchscript_to_onnx",),
    ("torch_module", "onnx"): (f"{_ROUTES}.torch_to_onnx",),
    ("torch_factory", "onnx"): (f"{_ROUTES}.torch_to_onnx",),
    ("coreml", "onnx"): (f"{_ROUTES}.coreml_to_onnx",),
    ("sklearn", "onnx"): (f"{_ROUTES}.sklearn_to_onnx",),
    ("xgboost", "onnx"): (f"{_ROUTES}.sklearn_to_onnx",),
    ("lightgbm", "onnx"): (f"{_ROUTES}.sklearn_to_onnx",),
    ("catboost", "onnx"): (f"{_ROUTES}.sklearn_to_onnx",),
}
"""(source format, target) -> modules that each have one function ``convert``, a :class:`.base.Route`."""
