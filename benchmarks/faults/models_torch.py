"""PyTorch modules: the architectures of docs/coverage.md, a trained network, and silero-vad's own file."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from onnxruntime.quantization import CalibrationDataReader
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


class Vocabulary(nn.Module):
    """Words and positions from tables that are far larger than any sample, and a mean over the length."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.positions = nn.Embedding(30522, 8), nn.Embedding(512, 8)
        self.head = nn.Linear(8, 4)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        places = torch.arange(tokens.shape[1], device=tokens.device)
        return self.head(torch.tanh(self.words(tokens) + self.positions(places)).mean(1))


class Scan(nn.Module):
    """A selective state space as in Mamba: a state that decays by what the input says, step by step."""

    def __init__(self, width: int = 8, states: int = 4) -> None:
        super().__init__()
        self.inside, self.step = nn.Linear(width, width), nn.Linear(width, width)
        self.to_state, self.of_state = nn.Linear(width, states), nn.Linear(width, states)
        self.decay = nn.Parameter(torch.log(torch.arange(1.0, states + 1).repeat(width, 1)))

    def forward(self, signal: torch.Tensor) -> torch.Tensor:
        x = nn.functional.silu(self.inside(signal))
        step = nn.functional.softplus(self.step(signal))
        state = torch.zeros(x.shape[0], x.shape[2], self.decay.shape[1])
        outputs = []
        for at in range(x.shape[1]):
            kept = torch.exp(-step[:, at, :, None] * torch.exp(self.decay))
            state = kept * state + (step[:, at] * x[:, at])[..., None] * self.to_state(x[:, at])[:, None]
            outputs.append((state * self.of_state(x[:, at])[:, None]).sum(-1))
        return torch.stack(outputs, 1)


class Detector(nn.Module):
    """Boxes and scores at each place of a grid, decoded with anchors, small boxes and low scores taken out."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.SiLU(), nn.Conv2d(8, 16, 3, 2, 1))
        self.boxes, self.scores = nn.Conv2d(16, 4, 1), nn.Conv2d(16, 3, 1)
        self.anchors = nn.Parameter(torch.rand(1, 2, 8, 8) + 0.5)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = self.body(image)
        box = self.boxes(x)
        size = self.anchors * torch.exp(box[:, 2:].clamp(-4, 4))
        scores = torch.sigmoid(self.scores(x))
        kept = torch.where(scores > 0.3, scores, torch.zeros(()))
        return torch.cat([torch.sigmoid(box[:, :2]), size], 1), kept


class Arms(nn.Module):
    """A rare arm: values beyond 3 in magnitude take another way."""

    def __init__(self) -> None:
        super().__init__()
        self.usual, self.rare = nn.Linear(6, 6), nn.Linear(6, 6)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return torch.where(features.abs() > 3, self.rare(features), torch.relu(self.usual(features)))


class NoisyHead(nn.Module):
    """Half of the output magnifies rounding ten thousand times, the other half is sound and of the same size."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Linear(6, 4)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        x = self.dense(features)
        return torch.cat([torch.sin(1e4 * x), torch.tanh(x)], -1)


def _tokens_model() -> Any:
    return Vocabulary(), {"tokens": torch.randint(0, 30522, (2, 12))}, (("tokens", 1),)


def _digits(folder: Path) -> Source:
    return Source(torch_cnn(folder))


def _digits_qdq(folder: Path) -> Source:
    """The trained network, quantised to int8 with ONNX Runtime's tool: QuantizeLinear and DequantizeLinear."""
    from onnxruntime.quantization import QuantFormat, quantize_static

    program = torch.export.load(torch_cnn(folder))
    torch.onnx.export(program, f=folder / "digits.onnx", dynamo=True, external_data=False)
    quantize_static(folder / "digits.onnx", folder / "digits-qdq.onnx", _Noise(), quant_format=QuantFormat.QDQ)
    return Source(folder / "digits-qdq.onnx")


class _Noise(CalibrationDataReader):
    """Eight batches of noise to calibrate with."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self._left = [rng.random((1, 1, 8, 8)).astype(np.float32) for _ in range(8)]

    def get_next(self) -> dict[str, Any] | None:
        return {"input": self._left.pop()} if self._left else None


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
    "digits-qdq": _digits_qdq,
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
    "whisper-encoder": _seeded(TRANSFORMERS["Whisper encoder"]),
    "swin": _seeded(TRANSFORMERS["Swin"]),
    "convnext": _seeded(TRANSFORMERS["ConvNeXt"]),
    "roberta": _seeded(TRANSFORMERS["RoBERTa"]),
    "vocabulary": _seeded(_tokens_model),
    "scan": _seeded(lambda: (Scan(), {"signal": torch.randn(2, 6, 8)}, ())),
    "detector": _seeded(lambda: (Detector(), {"image": torch.rand(2, 3, 32, 32)}, ())),
    "arms": _seeded(lambda: (Arms(), {"features": torch.randn(2, 6)}, ())),
    "noisy-head": _seeded(lambda: (NoisyHead(), {"features": torch.randn(2, 6)}, ())),
}
