"""The models that faults are put into: of all families, small, trained where cheap, else with seeded weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paritygate.validate.engines.base import LoadOptions

Build = Callable[[Path], tuple[Any, LoadOptions]]


@dataclass(frozen=True)
class Recipe:
    """A model's name, its family, and a function that makes it: folder -> (source, what to tell the loader)."""

    name: str
    family: str
    build: Build


def _from(module: str, name: str) -> Build:
    """A builder of one of the modules beside this one, imported when it is needed: one framework per process."""

    def build(folder: Path) -> tuple[Any, LoadOptions]:
        from importlib import import_module

        built: tuple[Any, LoadOptions] = import_module(f".models_{module}", __package__).MODELS[name](folder)
        return built

    return build


_NAMES = {
    "keras": (
        "digits-cnn", "text-lstm", "bidirectional-gru", "transformer-block", "mobilenet-v2", "two-heads", "basic-pitch",
    ),
    "torch": (
        "digits-cnn", "lstm", "gru", "residual", "unet", "gelu-mlp", "attention", "transformer-encoder", "decoder",
        "depthwise", "bert", "vit", "gpt2", "bag-classifier", "silero-vad",
    ),
    "sklearn": (
        "logistic", "svc", "random-forest", "tree-with-nan", "hist-gradient-boosting", "gradient-boosting", "mlp",
        "scaled-ridge", "kmeans", "pca", "gaussian-process", "isolation-forest", "naive-bayes", "nearest-neighbours",
        "xgboost", "lightgbm",
    ),
}  # fmt: skip

RECIPES: dict[str, Recipe] = {
    f"{family}/{name}": Recipe(f"{family}-{name}", family, _from(family, name))
    for family, names in _NAMES.items()
    for name in names
}
