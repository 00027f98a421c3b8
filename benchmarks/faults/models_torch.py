"""PyTorch modules: the architectures of docs/coverage.md, a trained network, and silero-vad's own file."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks.coverage.torch import TORCH, TRANSFORMERS
from fixtures.train import torch_cnn
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.options import InputLimits, SampleOptions

from .models import Source


def _seeded(make: Callable[[], Any]) -> Callable[[Path], Source]:
    """Random weights with a fixed seed; batch normalisations get random statistics instead of 0 and 1."""

    def build(_: Path) -> Source:
        torch.manual_seed(7)
        module, example, dynamic = make()
        for layer in module.modules():
            if isinstance(layer, nn.BatchNorm2d):
                nn.init.uniform_(layer.weight, 0.5, 1.5)
                nn.init.normal_(layer.bias, 0.0, 0.2)
                layer.running_var.uniform_(0.5, 1.5)  # type: ignore[union-attr, operator]  # a buffer
                layer.running_mean.normal_(0.0, 0.2)  # type: ignore[union-attr, operator]
        arrays = {name: value.numpy() for name, value in example.items()}
        return Source(module.eval(), LoadOptions(example=arrays, dynamic=dynamic))

    return build


def _gelu_mlp() -> Any:
    layers = (nn.Linear(20, 64), nn.GELU(), nn.LayerNorm(64), nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 5))
    return nn.Sequential(*layers), {"input": torch.randn(2, 20)}, ()


def _digits(folder: Path) -> Source:
    return Source(torch_cnn(folder))


def _silero(_: Path) -> Source:
    """One chunk of 16 kHz audio: 512 samples preceded by 64 of the previous chunk."""
    package = find_spec("silero_vad")
    assert package is not None
    assert package.origin is not None
    path = Path(package.origin).parent / "data" / "silero_vad_16k_op15.onnx"
    shapes = {"input": ((1, 576),), "state": ((2, 1, 128),)}
    return Source(path, samples=SampleOptions(ranges={"sr": (16000, 16000)}), limits=InputLimits(shapes=shapes))


MODELS: dict[str, Callable[[Path], Source]] = {
    "digits-cnn": _digits,
    "silero-vad": _silero,
    "gelu-mlp": _seeded(_gelu_mlp),
    "lstm": _seeded(TORCH["LSTM"]),
    "gru": _seeded(TORCH["bidirectional GRU"]),
    "residual": _seeded(TORCH["residual network"]),
    "unet": _seeded(TORCH["U-Net"]),
    "attention": _seeded(TORCH["MultiheadAttention with mask"]),
    "transformer-encoder": _seeded(TORCH["TransformerEncoder"]),
    "decoder": _seeded(TORCH["ConvTranspose decoder"]),
    "depthwise": _seeded(TORCH["depthwise CNN, GELU, GroupNorm"]),
    "bag-classifier": _seeded(TORCH["embedding bag classifier"]),
    "bert": _seeded(TRANSFORMERS["BERT"]),
    "vit": _seeded(TRANSFORMERS["ViT"]),
    "gpt2": _seeded(TRANSFORMERS["GPT-2"]),
}
