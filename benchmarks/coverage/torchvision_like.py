"""The usual architectures for images and video, written from torch.nn in small."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from .torch_case import Case
from .vision_parts import (
    Anchors,
    ChannelShuffle,
    DenseLayer,
    GridHead,
    Inception,
    InvertedResidual,
    LayerNorm2d,
    Pyramid,
    Residual,
    SpatialTransformer,
    SqueezeExcite,
    Window,
    conv,
)


class Segmenter(nn.Module):
    """A backbone of stride 4, a head, and the logits at the size of the image (FCN, DeepLab, LR-ASPP)."""

    def __init__(self, head: nn.Module, align: bool = False) -> None:
        super().__init__()
        self.backbone = nn.Sequential(conv(3, 8, stride=2), conv(8, 16, stride=2))
        self.head, self.align = head, align

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        logits = self.head(self.backbone(image))
        return functional.interpolate(logits, size=image.shape[-2:], mode="bilinear", align_corners=self.align)


class Pooled(nn.Module):
    """The mean of the whole image, spread over it again: a branch of ASPP."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.project = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(width, 6, 1), nn.ReLU())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.project(x).expand(-1, -1, x.shape[2], x.shape[3])


class Branches(nn.Module):
    """The outputs of several modules, joined along the channels."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([branch(x) for branch in self.branches], 1)


class TextReader(nn.Module):
    """CRNN: columns of an image as a sequence, read by a bidirectional LSTM."""

    def __init__(self) -> None:
        super().__init__()
        self.columns = nn.Sequential(conv(1, 8), nn.MaxPool2d(2), conv(8, 12), nn.MaxPool2d((2, 1)))
        self.reader = nn.LSTM(12 * 4, 10, bidirectional=True, batch_first=True)
        self.letters = nn.Linear(20, 7)

    def forward(self, line: torch.Tensor) -> torch.Tensor:
        features = self.columns(line).permute(0, 3, 1, 2).flatten(2)
        return self.letters(self.reader(features)[0]).log_softmax(-1)


class VisionTransformer(nn.Module):
    """Patches, a class token, positions, an encoder (torchvision's ViT)."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 8, 8)
        self.token = nn.Parameter(torch.randn(1, 1, 16))
        self.positions = nn.Parameter(torch.randn(1, 17, 16))
        layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True, norm_first=True, activation="gelu")
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(16, 5)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        patches = self.patches(image).flatten(2).transpose(1, 2)
        sequence = torch.cat([self.token.expand(len(image), -1, -1), patches], 1) + self.positions
        return self.head(self.encoder(sequence)[:, 0])


class Twins(nn.Module):
    """How alike two images are, by the cosine of their embeddings."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Sequential(conv(3, 8, stride=2), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 12))

    def forward(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        return functional.cosine_similarity(self.embed(left), functional.normalize(self.embed(right)), dim=1)


class Autoencoder(nn.Module):
    """A variational autoencoder's means, spreads and reconstruction."""

    def __init__(self) -> None:
        super().__init__()
        self.encode = nn.Sequential(conv(3, 8, stride=2), conv(8, 8, stride=2), nn.Flatten(), nn.Linear(512, 12))
        self.decode = nn.Sequential(
            nn.Linear(6, 512), nn.Unflatten(1, (8, 8, 8)), nn.ConvTranspose2d(8, 8, 4, 2, 1), nn.ReLU(),
            nn.ConvTranspose2d(8, 3, 4, 2, 1), nn.Sigmoid(),
        )  # fmt: skip

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        mean, log_variance = self.encode(image).chunk(2, 1)
        return mean, torch.exp(0.5 * log_variance), self.decode(mean)


class Keypoints(nn.Module):
    """Heat maps, and each one's centre of mass (soft argmax)."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.Sequential(conv(3, 8, stride=2), nn.Conv2d(8, 4, 1))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        maps = self.maps(image)
        weights = maps.flatten(2).softmax(-1).reshape(maps.shape)
        rows = torch.linspace(0, 1, maps.shape[2])
        columns = torch.linspace(0, 1, maps.shape[3])
        return torch.stack([(weights.sum(3) * rows).sum(-1), (weights.sum(2) * columns).sum(-1)], -1)


def _classifier(width: int) -> tuple[nn.Module, ...]:
    return nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 5)


def _image(*layers: nn.Module, shape: tuple[int, ...] = (2, 3, 32, 32)) -> Callable[[], Case]:
    return lambda: (nn.Sequential(*layers), {"image": torch.randn(shape)}, ())


def _module(make: Callable[[], nn.Module], **shapes: tuple[int, ...]) -> Callable[[], Case]:
    return lambda: (make(), {name: torch.randn(shape) for name, shape in shapes.items()}, ())


PICTURES = (2, 3, 32, 32)
IMAGES: dict[str, Callable[[], Case]] = {
    "AlexNet": _image(
        nn.Conv2d(3, 8, 5, 2, 2),
        nn.ReLU(),
        nn.LocalResponseNorm(5),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(8, 12, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(3),
        nn.Flatten(),
        nn.Dropout(),
        nn.Linear(108, 16),
        nn.ReLU(),
        nn.Linear(16, 5),
    ),
    "VGG with BatchNorm": _image(
        conv(3, 8), conv(8, 8), nn.MaxPool2d(2), conv(8, 16), nn.MaxPool2d(2), *_classifier(16)
    ),
    "SqueezeNet": _image(
        nn.Conv2d(3, 8, 3, 2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, ceil_mode=True),
        nn.Conv2d(8, 4, 1),
        nn.ReLU(),
        Branches(nn.Conv2d(4, 8, 1), nn.Conv2d(4, 8, 3, padding=1)),
        nn.ReLU(),
        nn.Conv2d(16, 5, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    ),
    "GoogLeNet": _image(conv(3, 8, stride=2), Inception(8), nn.MaxPool2d(3, 2, 1), Inception(20), *_classifier(20)),
    "DenseNet": _image(
        conv(3, 8, stride=2),
        DenseLayer(8, 4),
        DenseLayer(12, 4),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 8, 1),
        nn.AvgPool2d(2),
        *_classifier(8),
    ),
    "ResNeXt bottleneck": _image(conv(3, 8, stride=2), Residual(8, groups=4), Residual(8, groups=4), *_classifier(8)),
    "RegNet with squeeze and excitation": _image(
        conv(3, 8, stride=2), Residual(8, groups=2, excite=SqueezeExcite(8)), *_classifier(8)
    ),
    "MobileNetV2": _image(conv(3, 8, 2, act=nn.ReLU6), InvertedResidual(8, nn.ReLU6), *_classifier(8)),
    "MobileNetV3": _image(
        conv(3, 8, 2, act=nn.Hardswish),
        InvertedResidual(8, nn.Hardswish, SqueezeExcite(24, nn.Hardsigmoid)),
        *_classifier(8),
    ),
    "EfficientNet": _image(
        conv(3, 8, 2, act=nn.SiLU),
        InvertedResidual(8, nn.SiLU, SqueezeExcite(24)),
        InvertedResidual(8, nn.SiLU),
        *_classifier(8),
    ),
    "ShuffleNetV2": _image(conv(3, 8, 2), ChannelShuffle(8), ChannelShuffle(8), *_classifier(8)),
    "ConvNeXt": _image(
        nn.Conv2d(3, 8, 4, 4),
        LayerNorm2d(8),
        nn.Conv2d(8, 8, 7, padding=3, groups=8),
        LayerNorm2d(8),
        nn.Conv2d(8, 32, 1),
        nn.GELU(),
        nn.Conv2d(32, 8, 1),
        *_classifier(8),
    ),
    "FCN": _module(lambda: Segmenter(nn.Sequential(conv(16, 8), nn.Conv2d(8, 4, 1))), image=(2, 3, 32, 48)),
    "DeepLabV3": _module(
        lambda: Segmenter(
            nn.Sequential(
                Branches(conv(16, 6, kernel=1), conv(16, 6, dilation=2), conv(16, 6, dilation=4), Pooled(16)),
                nn.Conv2d(24, 4, 1),
            )
        ),
        image=(2, 3, 48, 32),
    ),
    "segmentation, aligned corners": _module(lambda: Segmenter(nn.Conv2d(16, 4, 1), align=True), image=PICTURES),
    "feature pyramid (RetinaNet)": _module(Pyramid, image=(2, 3, 64, 48)),
    "anchor boxes (SSD)": _module(Anchors, image=PICTURES),
    "grid head (YOLO)": _module(GridHead, image=PICTURES),
    "keypoints by soft argmax": _module(Keypoints, image=PICTURES),
    "super-resolution (ESPCN)": _image(
        nn.Conv2d(1, 8, 5, padding=2),
        nn.Tanh(),
        nn.Conv2d(8, 9, 3, padding=1),
        nn.PixelShuffle(3),
        shape=(2, 1, 12, 10),
    ),
    "ViT": _module(VisionTransformer, image=PICTURES),
    "shifted windows (Swin)": _module(Window, image=(2, 16, 16, 16)),
    "spatial transformer": _module(SpatialTransformer, image=(2, 3, 16, 16)),
    "video (R3D)": _image(
        nn.Conv3d(3, 6, (3, 7, 7), (1, 2, 2), (1, 3, 3)),
        nn.BatchNorm3d(6),
        nn.ReLU(),
        nn.MaxPool3d(3, 2, 1),
        nn.AdaptiveAvgPool3d(1),
        nn.Flatten(),
        nn.Linear(6, 5),
        shape=(2, 3, 6, 24, 24),
    ),
    "text in images (CRNN)": _module(TextReader, line=(2, 1, 16, 40)),
    "variational autoencoder": _module(Autoencoder, image=PICTURES),
    "twins with cosine": _module(Twins, left=(2, 3, 16, 16), right=(2, 3, 16, 16)),
}
