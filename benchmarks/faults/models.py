"""The models that faults are injected into: small ones of all families, trained if cheap, else with random weights."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from paritygate.validate.options import InputLimits, LoadOptions, SampleOptions


@dataclass(frozen=True)
class Source:
    """A model as a user passes it: a path or a live object, its load options, and its samples."""

    model: Any
    load: LoadOptions = field(default_factory=LoadOptions)
    samples: SampleOptions = field(default_factory=SampleOptions)
    limits: InputLimits = field(default_factory=InputLimits)


Build = Callable[[Path], Source]


@dataclass(frozen=True)
class Recipe:
    """A model's name, its family, a function that builds it in a folder, and the format that it is converted to.

    ``kinds`` is the number of kinds of mutation that are applied, chosen by the model's name; None applies all. Large
    models get few, since a verdict on them takes seconds.
    """

    name: str
    family: str
    build: Build
    target: str = "onnx"
    kinds: int | None = None


def _from(module: str, name: str) -> Build:
    """A builder of one of the ``models_*`` modules, imported on use, so that a process has only one framework."""

    def build(folder: Path) -> Source:
        built: Source = importlib.import_module(f".models_{module}", __package__).MODELS[name](folder)
        return built

    return build


_NAMES = {
    "keras": (
        "digits-cnn", "text-lstm", "bidirectional-gru", "transformer-block", "mobilenet-v2", "two-heads", "basic-pitch",
        "efficientnet",
    ),
    "torch": (
        "digits-cnn", "lstm", "gru", "residual", "unet", "gelu-mlp", "attention", "transformer-encoder", "decoder",
        "depthwise", "bert", "vit", "gpt2", "bag-classifier", "silero-vad",
        "whisper-encoder", "swin", "convnext", "roberta", "vocabulary", "scan", "detector", "arms",
        "noisy-head", "digits-qdq",
    ),
    "sklearn": (
        "logistic", "svc", "random-forest", "tree-with-nan", "hist-gradient-boosting", "gradient-boosting", "mlp",
        "scaled-ridge", "kmeans", "pca", "gaussian-process", "isolation-forest", "naive-bayes", "nearest-neighbours",
        "xgboost", "lightgbm",
    ),
}  # fmt: skip

_TO_COREML = {
    "keras/digits-cnn": "mlpackage",
    "torch/digits-cnn": "mlmodel",
    "sklearn/random-forest": "mlmodel",
    "sklearn/logistic": "mlmodel",
    "sklearn/scaled-ridge": "mlmodel",
}

_LARGE = {
    "basic-pitch": 8,
    "mobilenet-v2": 12,
    "silero-vad": 20,
    "transformer-block": 20,
    "efficientnet": 8,
    "swin": 16,
}


def _few_rows(build: Build) -> Build:
    """The same source with small batches, since a Core ML model takes one row at a time."""

    def built(folder: Path) -> Source:
        source = build(folder)
        return replace(source, samples=replace(source.samples, batch_sizes=(1, 8)))

    return built


_TO_ONNX: dict[str, Recipe] = {
    f"{family}/{name}": Recipe(f"{family}-{name}", family, _from(family, name), kinds=_LARGE.get(name))
    for family, names in _NAMES.items()
    for name in names
}

RECIPES: dict[str, Recipe] = _TO_ONNX | {
    f"coreml/{name}": Recipe(f"coreml-{name.replace('/', '-')}", "coreml", _few_rows(_TO_ONNX[name].build), target)
    for name, target in _TO_COREML.items()
}
