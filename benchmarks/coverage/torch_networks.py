"""Networks written with torch.nn: one of each kind of layer, and the usual architectures for images in small."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from .torch_case import Case, tokens


class Block(nn.Module):
    """A residual block with a projection if shapes change."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inside, outside, 3, stride, 1, bias=False), nn.BatchNorm2d(outside), nn.ReLU(inplace=True),
            nn.Conv2d(outside, outside, 3, 1, 1, bias=False), nn.BatchNorm2d(outside),
        )  # fmt: skip
        same = inside == outside and stride == 1
        self.shortcut = (
            nn.Identity() if same else nn.Sequential(nn.Conv2d(inside, outside, 1, stride), nn.BatchNorm2d(outside))
        )

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.body(image) + self.shortcut(image))


class UNet(nn.Module):
    """Two levels down and up, bilinear and transposed upsampling, skip connections."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList([nn.Conv2d(3, 8, 3, 1, 1), nn.Conv2d(8, 16, 3, 1, 1)])
        self.middle = nn.Conv2d(16, 16, 3, 1, 1)
        self.up = nn.ConvTranspose2d(16, 16, 2, 2)
        self.merge = nn.ModuleList([nn.Conv2d(32, 8, 3, 1, 1), nn.Conv2d(16, 4, 3, 1, 1)])

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        first = torch.relu(self.down[0](image))
        second = torch.relu(self.down[1](nn.functional.max_pool2d(first, 2)))
        deep = torch.relu(self.middle(nn.functional.avg_pool2d(second, 2)))
        deep = torch.relu(self.merge[0](torch.cat([self.up(deep), second], 1)))
        wide = nn.functional.interpolate(deep, scale_factor=2, mode="bilinear", align_corners=False)
        return torch.sigmoid(self.merge[1](torch.cat([wide, first], 1)))


class Recurrent(nn.Module):
    """A recurrent layer over an embedded text, with the last state and the mean as features."""

    def __init__(self, layer: nn.Module, width: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(40, 12)
        self.layer = layer
        self.head = nn.Linear(width, 5)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        sequence, _ = self.layer(self.embed(tokens))
        return self.head(sequence.mean(1) + sequence[:, -1])


class Attention(nn.Module):
    """Self-attention with a padding mask, returning also the weights."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True)

    def forward(self, x: torch.Tensor, padding: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.attention(x, x, x, key_padding_mask=padding)  # type: ignore[no-any-return]


class Classifier(nn.Module):
    """Bag of embeddings and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.bag = nn.EmbeddingBag(50, 8, mode="mean")
        self.head = nn.Linear(8, 3)

    def forward(self, tokens: torch.Tensor) -> dict[str, torch.Tensor]:
        logits = self.head(self.bag(tokens))
        return {"logits": logits, "label": logits.argmax(1)}


def _sequential(shape: tuple[int, ...], *layers: nn.Module) -> Callable[[], Case]:
    return lambda: (nn.Sequential(*layers), {"input": torch.randn(shape)}, ())


TEXT_AXIS = (("tokens", 1),)
TORCH: dict[str, Callable[[], Case]] = {
    "multilayer perceptron": _sequential((2, 20), nn.Linear(20, 32), nn.SiLU(), nn.Linear(32, 4), nn.Softmax(-1)),
    "CNN with BatchNorm": _sequential(
        (2, 3, 16, 16), nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(), nn.Flatten(),
        nn.Linear(392, 10),
    ),
    "residual network": _sequential(
        (2, 3, 32, 32), nn.Conv2d(3, 8, 7, 2, 3), nn.MaxPool2d(3, 2, 1), Block(8, 8, 1), Block(8, 16, 2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10),
    ),
    "U-Net": lambda: (UNet(), {"image": torch.randn(2, 3, 32, 48)}, ()),
    "depthwise CNN, GELU, GroupNorm": _sequential(
        (2, 6, 12, 12), nn.Conv2d(6, 12, 3, groups=6, padding="same"), nn.GroupNorm(3, 12), nn.GELU(),
        nn.Conv2d(12, 6, 1), nn.GELU(approximate="tanh"), nn.Hardswish(), nn.InstanceNorm2d(6, affine=True),
    ),
    "Conv1d, dilated, circular": _sequential(
        (2, 4, 40), nn.Conv1d(4, 8, 5, dilation=2), nn.ELU(), nn.Conv1d(8, 8, 3, padding=1, padding_mode="circular"),
        nn.AvgPool1d(3, 2, ceil_mode=True),
    ),
    "Conv3d": _sequential((2, 2, 6, 10, 8), nn.Conv3d(2, 4, 3), nn.BatchNorm3d(4), nn.ReLU(), nn.AdaptiveMaxPool3d(2)),
    "ConvTranspose decoder": _sequential(
        (2, 8, 5, 4), nn.ConvTranspose2d(8, 6, 4, 2, 1), nn.LeakyReLU(0.1),
        nn.ConvTranspose2d(6, 3, 3, 2, 1, output_padding=1), nn.PixelShuffle(1), nn.Tanh(),
    ),
    "LSTM": lambda: (Recurrent(nn.LSTM(12, 10, 2, batch_first=True), 10), {"tokens": tokens()}, TEXT_AXIS),
    "bidirectional GRU": lambda: (
        Recurrent(nn.GRU(12, 10, batch_first=True, bidirectional=True), 20), {"tokens": tokens()}, TEXT_AXIS,
    ),
    "Elman RNN": lambda: (Recurrent(nn.RNN(12, 10, batch_first=True), 10), {"tokens": tokens()}, TEXT_AXIS),
    "TransformerEncoder": lambda: (
        nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 4, 32, batch_first=True, activation="gelu"), 2),
        {"src": torch.randn(2, 7, 16)}, (("src", 1),),
    ),
    "TransformerDecoder": lambda: (
        nn.TransformerDecoder(nn.TransformerDecoderLayer(16, 4, 32, batch_first=True, norm_first=True), 2),
        {"tgt": torch.randn(2, 7, 16), "memory": torch.randn(2, 5, 16)}, (),
    ),
    "MultiheadAttention with mask": lambda: (
        Attention(), {"x": torch.randn(2, 6, 16), "padding": torch.tensor([[False] * 6, [False] * 4 + [True] * 2])}, (),
    ),
    "embedding bag classifier": lambda: (Classifier(), {"tokens": tokens()}, ()),
}  # fmt: skip
