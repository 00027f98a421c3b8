"""Which libraries are installed, from the metadata of packages, so that nothing heavy is imported."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata


@dataclass(frozen=True, slots=True)
class Library:
    """A library and what it ``unlocks``. ``version`` is None where it isn't installed; ``extra`` installs it."""

    name: str
    version: str | None
    unlocks: str
    extra: str


_LIBRARIES: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("onnxruntime", "onnxruntime-gpu"), "run ONNX models", ""),
    (("onnx",), "read and write ONNX models", ""),
    (("tensorflow-cpu", "tensorflow"), "run SavedModel, GraphDef, TensorFlow Lite", "tensorflow"),
    (("keras",), "run .keras and .h5", "tensorflow"),
    (("tf2onnx",), "convert TensorFlow and Keras to ONNX", "tensorflow"),
    (("torch",), "run and convert PyTorch modules, programs, TorchScript", "torch"),
    (("onnxscript",), "convert PyTorch to ONNX", "torch"),
    (("scikit-learn",), "run estimators and pipelines", "sklearn"),
    (("skl2onnx",), "convert estimators and pipelines to ONNX", "sklearn"),
    (("skops",), "read .skops files", "sklearn"),
    (("pandas",), "feed column models; read .csv and .parquet samples", "sklearn"),
    (("xgboost-cpu", "xgboost"), "run and convert XGBoost models", "boosters"),
    (("lightgbm",), "run and convert LightGBM models", "boosters"),
    (("catboost",), "run and convert CatBoost models", "boosters"),
    (("coremltools",), "read Core ML models", "coreml"),
    (("pillow",), "read images as samples", "data"),
    (("pyarrow",), "read .parquet samples", "data"),
)


def examine() -> tuple[Library, ...]:
    """Every library that paritygate can use, installed or not."""
    return tuple(_examine(names, unlocks, extra) for names, unlocks, extra in _LIBRARIES)


def versions() -> dict[str, str]:
    """Name -> version of the installed libraries, for reports."""
    return {library.name: library.version for library in examine() if library.version is not None}


def _examine(names: tuple[str, ...], unlocks: str, extra: str) -> Library:
    for name in names:
        try:
            return Library(name, metadata.version(name), unlocks, extra)
        except metadata.PackageNotFoundError:
            continue
    return Library(names[0], None, unlocks, extra)
