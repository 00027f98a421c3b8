"""The libraries that paritygate works with, each named once: what to import, what to install, what it is for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Library:
    """A library: the ``module`` to import, the ``distributions`` that provide it (any of them), what it ``unlocks``.

    ``extra`` is the extra of paritygate that installs it, "" for the base install. ``heavy`` says that a worker must
    not import it unless it needs it: the import takes seconds, or changes how another library behaves.
    """

    module: str
    distributions: tuple[str, ...]
    unlocks: str
    extra: str = ""
    heavy: bool = False


ONNXRUNTIME = Library("onnxruntime", ("onnxruntime", "onnxruntime-gpu"), "run ONNX models")
ONNX = Library("onnx", ("onnx",), "read and write ONNX models")
TENSORFLOW = Library(
    "tensorflow", ("tensorflow-cpu", "tensorflow"), "run SavedModel, GraphDef, TensorFlow Lite", "tensorflow", True
)
KERAS = Library("keras", ("keras",), "run .keras and .h5", "tensorflow", True)
TF2ONNX = Library("tf2onnx", ("tf2onnx",), "convert TensorFlow and Keras to ONNX", "tensorflow")
TORCH = Library("torch", ("torch",), "run and convert PyTorch modules, programs, TorchScript", "torch", True)
ONNXSCRIPT = Library("onnxscript", ("onnxscript",), "convert PyTorch to ONNX", "torch")
SAFETENSORS = Library("safetensors", ("safetensors",), "read weights in .safetensors", "torch")
SKLEARN = Library("sklearn", ("scikit-learn",), "run estimators and pipelines", "sklearn", True)
SKL2ONNX = Library("skl2onnx", ("skl2onnx",), "convert estimators and pipelines to ONNX", "sklearn")
SKOPS = Library("skops", ("skops",), "read .skops files", "sklearn")
PANDAS = Library("pandas", ("pandas",), "feed models of named columns; read .csv and .parquet samples", "sklearn")
XGBOOST = Library("xgboost", ("xgboost-cpu", "xgboost"), "run and convert XGBoost models", "boosters", True)
LIGHTGBM = Library("lightgbm", ("lightgbm",), "run and convert LightGBM models", "boosters", True)
CATBOOST = Library("catboost", ("catboost",), "run and convert CatBoost models", "boosters", True)
COREMLTOOLS = Library("coremltools", ("coremltools",), "read and write Core ML models", "coreml", True)
PILLOW = Library("PIL", ("pillow",), "read images as samples", "data")
DISTRIBUTED = Library("distributed", ("distributed",), "run a gate on a Dask cluster", "cluster")
SCIPY = Library("scipy", ("scipy",), "write sparse and special values of Core ML models", "coreml")
TFLITE_SCHEMA = Library("tflite", ("tflite",), "read TensorFlow Lite files in check", "targets")
SIGNING = Library("model_signing", ("model-signing",), "sign bundles and check signatures", "signing")
OPENSSL = Library("OpenSSL", ("pyopenssl",), "keys for signatures", "signing")
PYARROW = Library("pyarrow", ("pyarrow",), "read .parquet, .feather and .arrow samples", "data")

LIBRARIES = (
    ONNXRUNTIME,
    ONNX,
    TENSORFLOW,
    KERAS,
    TF2ONNX,
    TORCH,
    ONNXSCRIPT,
    SAFETENSORS,
    SKLEARN,
    SKL2ONNX,
    SKOPS,
    PANDAS,
    XGBOOST,
    LIGHTGBM,
    CATBOOST,
    COREMLTOOLS,
    PILLOW,
    PYARROW,
    DISTRIBUTED,
    SCIPY,
    TFLITE_SCHEMA,
    SIGNING,
    OPENSSL,
)
"""All of them, in the order in which ``paritygate doctor`` lists them."""

HEAVY = ("matplotlib", *(library.module for library in LIBRARIES if library.heavy), "transformers")
"""Modules that a worker blocks before its first import, unless its runtime needs them."""
