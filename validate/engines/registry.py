"""Which formats exist, how to recognise them, and what reads them: plain strings, nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass

HEAVY = (
    "matplotlib",
    "tensorflow",
    "keras",
    "torch",
    "sklearn",
    "xgboost",
    "lightgbm",
    "catboost",
    "coremltools",
    "transformers",
)
"""Modules that a worker blocks before its first import, unless its format needs them."""


OURS, NATIVE, BOTH = COREML_ENGINES = ("coreml", "coreml-native", "both")
"""What runs Core ML models: our engine, Apple's framework, or both beside each other."""


COMPUTED, TABLE = POLICIES = ("computed", "table")
"""Tolerances without figures of the user's: measured for each model, or a fixed row per dtype."""


@dataclass(frozen=True, slots=True)
class Format:
    """One row: a format's name, its engine module, and the framework that the engine needs.

    ``needs`` are the modules that must be importable; a worker masks the rest of :data:`HEAVY`, except
    ``may_use``. ``extra`` is the pip extra that installs them. ``computes_in_width_of_input`` says that the
    framework takes float32 and float64 alike, so that samples must reach it in the width that the user gave them.
    ``takes_single_rows`` says that what one asks of such a model is one sample, and that a batch is a list of them.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    engine: str
    needs: tuple[str, ...]
    extra: str
    may_use: tuple[str, ...] = ()
    computes_in_width_of_input: bool = False
    takes_single_rows: bool = False


_ANY = HEAVY
"""For formats that may bring the user's own code, which may import anything."""

_ENGINES = "paritygate.validate.engines"

FORMATS: tuple[Format, ...] = (
    Format("onnx", "ONNX", (".onnx",), f"{_ENGINES}.onnxruntime", ("onnxruntime", "onnx"), ""),
    Format(
        "saved_model", "TensorFlow SavedModel", (), f"{_ENGINES}.tensorflow.saved_model", ("tensorflow",), "tensorflow"
    ),
    Format(
        "graphdef",
        "TensorFlow frozen GraphDef",
        (".pb",),
        f"{_ENGINES}.tensorflow.graphdef",
        ("tensorflow",),
        "tensorflow",
    ),
    Format(
        "keras",
        "Keras",
        (".keras", ".h5", ".hdf5"),
        f"{_ENGINES}.tensorflow.keras",
        ("tensorflow", "keras"),
        "tensorflow",
    ),
    Format("tflite", "TensorFlow Lite", (".tflite",), f"{_ENGINES}.tensorflow.tflite", ("tensorflow",), "tensorflow"),
    Format(
        "torch_export",
        "torch.export program",
        (".pt2",),
        f"{_ENGINES}.torch.exported",
        ("torch",),
        "torch",
        ("transformers",),
    ),
    Format("torchscript", "TorchScript", (".jit", ".ts"), f"{_ENGINES}.torch.torchscript", ("torch",), "torch"),
    Format(
        "torch_module",
        "pickled PyTorch module",
        (".pt", ".pth"),
        f"{_ENGINES}.torch.module",
        ("torch",),
        "torch",
        _ANY,
    ),
    Format(
        "torch_factory",
        "PyTorch module:factory",
        (),
        f"{_ENGINES}.torch.module",
        ("torch",),
        "torch",
        _ANY,
    ),
    Format(
        "sklearn",
        "scikit-learn",
        (".pkl", ".pickle", ".joblib", ".skops"),
        f"{_ENGINES}.sklearn.estimator",
        ("sklearn",),
        "sklearn",
        _ANY,
        computes_in_width_of_input=True,
    ),
    *(
        Format(
            name,
            title,
            suffixes,
            f"{_ENGINES}.sklearn.boosters",
            (name, "sklearn"),
            "boosters",
            computes_in_width_of_input=True,
        )
        for name, title, suffixes in (
            ("xgboost", "XGBoost", (".ubj",)),
            ("lightgbm", "LightGBM", ()),
            ("catboost", "CatBoost", (".cbm",)),
        )
    ),
    Format(
        "coreml",
        "Core ML",
        (".mlmodel", ".mlpackage"),
        f"{_ENGINES}.coreml.lowered",
        ("onnxruntime",),
        "coreml",
        takes_single_rows=True,
    ),
)
