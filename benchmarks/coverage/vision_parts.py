"""Parts of the image architectures, each in the form that the papers' own code gave it."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


def conv(
    inside: int, outside: int, stride: int = 1, kernel: int = 3, dilation: int = 1, act: type[nn.Module] = nn.ReLU
) -> nn.Sequential:
    """Convolution, batch normalisation, activation; the size is kept but for the stride."""
    padding = dilation * (kernel // 2)
    layer = nn.Conv2d(inside, outside, kernel, stride, padding, dilation, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outside), act())


class SqueezeExcite(nn.Module):
    """Channels weighted by what the whole image holds of them."""

    def __init__(self, width: int, gate: type[nn.Module] = nn.Sigmoid) -> None:
        super().__init__()
        self.weigh = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(width, 4, 1), nn.ReLU(), nn.Conv2d(4, width, 1), gate()
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weigh(x)


class Residual(nn.Module):
    """A bottleneck with grouped convolution."""

    def __init__(self, width: int, groups: int, excite: nn.Module | None = None) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv(width, width, kernel=1), nn.Conv2d(width, width, 3, padding=1, groups=groups), nn.BatchNorm2d(width),
            nn.ReLU(), excite or nn.Identity(), nn.Conv2d(width, width, 1), nn.BatchNorm2d(width),
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(x + self.body(x))


class InvertedResidual(nn.Module):
    """Wider inside, depthwise in the middle."""

    def __init__(self, width: int, act: type[nn.Module], excite: nn.Module | None = None) -> None:
        super().__init__()
        inside = 3 * width
        self.body = nn.Sequential(
            conv(width, inside, kernel=1, act=act), nn.Conv2d(inside, inside, 5, padding=2, groups=inside),
            nn.BatchNorm2d(inside), act(), excite or nn.Identity(), nn.Conv2d(inside, width, 1), nn.BatchNorm2d(width),
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.body(x)


class Inception(nn.Module):
    """Four branches of different reach; 20 channels come out."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.one = conv(width, 4, kernel=1)
        self.three = nn.Sequential(conv(width, 4, kernel=1), conv(4, 8))
        self.five = nn.Sequential(conv(width, 2, kernel=1), conv(2, 4, kernel=5))
        self.pool = nn.Sequential(nn.MaxPool2d(3, 1, 1, ceil_mode=True), conv(width, 4, kernel=1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.one(x), self.three(x), self.five(x), self.pool(x)], 1)


class DenseLayer(nn.Module):
    """What came in, joined with what is made of it."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, growth, 3, padding=1, bias=False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, self.body(x)], 1)


class ChannelShuffle(nn.Module):
    """Half of the channels pass, the others are worked on; then both are interleaved."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(conv(width // 2, width // 2, kernel=1), conv(width // 2, width // 2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        left, right = x.chunk(2, dim=1)
        joined = torch.cat([left, self.branch(right)], 1)
        batch, channels, height, width = joined.shape
        return joined.view(batch, 2, channels // 2, height, width).transpose(1, 2).reshape(batch, -1, height, width)


class LayerNorm2d(nn.LayerNorm):
    """Normalises the channels of each pixel."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return super().forward(input.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Pyramid(nn.Module):
    """Three levels with shared heads, from the coarsest down."""

    def __init__(self) -> None:
        super().__init__()
        self.levels = nn.ModuleList([conv(3, 8, stride=2), conv(8, 12, stride=2), conv(12, 16, stride=2)])
        self.sides = nn.ModuleList([nn.Conv2d(width, 8, 1) for width in (8, 12, 16)])
        self.scores, self.boxes = nn.Conv2d(8, 6, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = []
        for level in self.levels:
            image = level(image)
            features.append(image)
        merged = [self.sides[2](features[2])]
        for at in (1, 0):
            up = functional.interpolate(merged[0], size=features[at].shape[-2:], mode="nearest")
            merged.insert(0, self.sides[at](features[at]) + up)
        scores = torch.cat([_anchored(self.scores(each), 3) for each in merged], 1).sigmoid()
        return scores, torch.cat([_anchored(self.boxes(each), 4) for each in merged], 1)


def _anchored(x: torch.Tensor, values: int) -> torch.Tensor:
    """[N, A*values, H, W] to [N, H*W*A, values]."""
    batch, _, height, width = x.shape
    return x.view(batch, -1, values, height, width).permute(0, 3, 4, 1, 2).reshape(batch, -1, values)


class Anchors(nn.Module):
    """Offsets from anchor boxes, decoded to corners and clipped to the image."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(conv(3, 8, stride=2), conv(8, 8, stride=2), conv(8, 8, stride=2))
        self.offsets, self.scores = nn.Conv2d(8, 8, 1), nn.Conv2d(8, 6, 1)
        self.register_buffer("anchors", torch.rand(4 * 4 * 2, 4) + 0.1)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = self.backbone(image)
        moved = _anchored(self.offsets(features), 4)
        centre = self.anchors[:, :2] + 0.1 * moved[..., :2] * self.anchors[:, 2:]
        size = self.anchors[:, 2:] * torch.exp(0.2 * moved[..., 2:])
        corners = torch.cat([centre - size / 2, centre + size / 2], -1).clamp(0, 1)
        return corners, _anchored(self.scores(features), 3).softmax(-1)


class GridHead(nn.Module):
    """Boxes relative to the cells of a grid, and their scores."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(conv(3, 8, 2, act=nn.SiLU), conv(8, 8, 2, act=nn.SiLU))
        self.spread = nn.MaxPool2d(5, 1, 2)
        self.head = nn.Conv2d(16, 7, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        features = self.backbone(image)
        raw = self.head(torch.cat([features, self.spread(features)], 1)).permute(0, 2, 3, 1).sigmoid()
        rows, columns = torch.meshgrid(torch.arange(raw.shape[1]), torch.arange(raw.shape[2]), indexing="ij")
        centre = (raw[..., :2] * 2 - 0.5 + torch.stack([columns, rows], -1)) * 4
        return torch.cat([centre, (raw[..., 2:4] * 2) ** 2 * 10, raw[..., 4:]], -1).flatten(1, 2)


class SpatialTransformer(nn.Module):
    """An affine map that the network chooses, applied to its own input."""

    def __init__(self) -> None:
        super().__init__()
        self.choose = nn.Sequential(conv(3, 4, stride=2), nn.Flatten(), nn.Linear(256, 6), nn.Tanh())

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        theta = self.choose(image).view(-1, 2, 3)
        grid = functional.affine_grid(theta, list(image.shape), align_corners=False)
        return functional.grid_sample(image, grid, padding_mode="border", align_corners=False)


class Window(nn.Module):
    """Attention within windows of 4x4 that are shifted by two, with a bias for relative positions."""

    def __init__(self) -> None:
        super().__init__()
        self.project, self.out = nn.Linear(16, 48), nn.Linear(16, 16)
        self.bias = nn.Parameter(torch.randn(4, 16, 16))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        batch = image.shape[0]
        x = torch.roll(image.permute(0, 2, 3, 1), (-2, -2), (1, 2))
        windows = x.view(batch, 4, 4, 4, 4, 16).permute(0, 1, 3, 2, 4, 5).reshape(-1, 16, 16)
        query, key, value = self.project(windows).view(-1, 16, 3, 4, 4).permute(2, 0, 3, 1, 4).unbind(0)
        weights = (query @ key.transpose(-2, -1) / 2 + self.bias).softmax(-1)
        mixed = self.out((weights @ value).transpose(1, 2).reshape(-1, 16, 16))
        whole = mixed.view(batch, 4, 4, 4, 4, 16).permute(0, 1, 3, 2, 4, 5).reshape(batch, 16, 16, 16)
        return torch.roll(whole, (2, 2), (1, 2))
