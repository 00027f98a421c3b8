"""The models of the benchmark, each with the bare conversion of its framework."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from . import scripts
from .processes import run

FOLDER = Path("out/bench")
PYTHON = sys.executable


@dataclass(frozen=True, slots=True)
class Bare:
    """A bare converter: its command, with places for source and output, and its name in the table."""

    command: tuple[str, ...]
    name: str


TF2ONNX = Bare(
    (PYTHON, "-m", "tf2onnx.convert", "--saved-model", "{source}", "--output", "{output}"), "python -m tf2onnx.convert"
)

TFLITE2ONNX = Bare(
    (PYTHON, "-m", "tf2onnx.convert", "--tflite", "{source}", "--output", "{output}"), "python -m tf2onnx.convert"
)
"""tf2onnx can't load the SavedModel that basic-pitch brings along: it holds variables of an optimizer."""


def _script(text: str, name: str) -> Bare:
    return Bare((PYTHON, "-c", text, "{source}", "{output}"), f"{name} script")


TORCH = _script(scripts.TORCH_BARE, "torch.onnx.export")
SKL2ONNX = _script(scripts.SKLEARN_BARE, "skl2onnx")
TEXT = _script(scripts.TEXT_BARE, "skl2onnx")
ONNXMLTOOLS = _script(scripts.XGBOOST_BARE, "onnxmltools")


@dataclass(frozen=True, slots=True)
class Pair:
    """The same conversion twice, by the bare converter and by paritygate, of a file that ``source`` makes."""

    name: str
    source: Callable[[], Path]
    bare: Bare


def _made(program: str, name: str, file: str) -> Callable[[], Path]:
    """A file that a program makes, once."""

    def make() -> Path:
        path = FOLDER / file
        if not path.exists():
            run(PYTHON, "-c", program, name, str(path))
        return path

    return make


def _trained(framework: str, file: str) -> Callable[[], Path]:
    """A trained model of the fixtures."""

    def make() -> Path:
        path = FOLDER / file
        if not path.exists():
            run(PYTHON, "-m", "fixtures.train", framework, str(FOLDER))
        return path

    return make


def _digits() -> Path:
    _trained("keras", "digits_cnn.keras")()
    return _made(scripts.KERAS, "digits", "digits_saved_model")()


def _basic_pitch() -> Path:
    package = find_spec("basic_pitch")
    if package is None or package.origin is None:
        raise SystemExit("basic-pitch is missing: run make install")
    return Path(package.origin).parent / "saved_models" / "icassp_2022" / "nmp.tflite"


PAIRS = (
    Pair("digits CNN, SavedModel", _digits, TF2ONNX),
    Pair("MobileNetV2, SavedModel", _made(scripts.KERAS, "MobileNetV2", "mobilenet_v2"), TF2ONNX),
    Pair("digits CNN, torch.export", _trained("torch", "digits_cnn.pt2"), TORCH),
    Pair("BERT (4 layers), torch.export", _made(scripts.TORCH, "BERT4", "bert.pt2"), TORCH),
    Pair("digits SVM, joblib", _trained("sklearn", "digits_svm.joblib"), SKL2ONNX),
    Pair("BERT, torch.export", _made(scripts.TORCH, "BERT", "bert12.pt2"), TORCH),
    Pair("ViT, torch.export", _made(scripts.TORCH, "ViT", "vit.pt2"), TORCH),
    Pair("GPT-2 small, torch.export", _made(scripts.TORCH, "GPT2", "gpt2.pt2"), TORCH),
    Pair("U-Net, torch.export", _made(scripts.TORCH, "UNet", "unet.pt2"), TORCH),
    Pair("ResNet50, SavedModel", _made(scripts.KERAS, "ResNet50", "resnet50"), TF2ONNX),
    Pair("EfficientNetB0, SavedModel", _made(scripts.KERAS, "EfficientNetB0", "efficientnet_b0"), TF2ONNX),
    Pair("LSTM, SavedModel", _made(scripts.KERAS, "LSTM", "lstm"), TF2ONNX),
    Pair("basic-pitch, TensorFlow Lite", _basic_pitch, TFLITE2ONNX),
    Pair("XGBoost (500 trees), JSON", _made(scripts.TABLES, "xgboost", "xgboost_500.json"), ONNXMLTOOLS),
    Pair("text pipeline, joblib", _made(scripts.TABLES, "text", "text.joblib"), TEXT),
)
