"""PyTorch in docs/coverage.md: architectures of torch.nn, and of transformers from small configurations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import nn

from .table import Entry, Target, outcome

Example = dict[str, Any]
Case = tuple[nn.Module, Example, tuple[tuple[str, int], ...]]
"""A module, example inputs, and the axes to make dynamic in addition to the batch."""


def entries(targets: Sequence[Target], wanted: Callable[[str], bool]) -> Iterator[Entry]:
    """Convert every architecture with random weights."""
    for group, cases in (("torch.nn", TORCH), ("transformers", TRANSFORMERS)):
        for name, make in cases.items():
            if not wanted(name):
                continue
            torch.manual_seed(0)
            module, example, dynamic = make()
            arrays = {name: value.numpy() for name, value in example.items()}
            for target in targets:
                found = outcome(module.eval(), target, example=arrays, dynamic=dynamic)
                yield Entry(group, name, target.name, *found)


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


def _tokens(length: int = 9, highest: int = 40, rows: int = 2) -> torch.Tensor:
    return torch.randint(0, highest, (rows, length))


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
    "LSTM": lambda: (Recurrent(nn.LSTM(12, 10, 2, batch_first=True), 10), {"tokens": _tokens()}, TEXT_AXIS),
    "bidirectional GRU": lambda: (
        Recurrent(nn.GRU(12, 10, batch_first=True, bidirectional=True), 20), {"tokens": _tokens()}, TEXT_AXIS,
    ),
    "Elman RNN": lambda: (Recurrent(nn.RNN(12, 10, batch_first=True), 10), {"tokens": _tokens()}, TEXT_AXIS),
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
    "embedding bag classifier": lambda: (Classifier(), {"tokens": _tokens()}, ()),
}  # fmt: skip


SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 37}
TEXT = {**SMALL, "vocab_size": 99, "max_position_embeddings": 64}
PICTURE = {**SMALL, "image_size": 32, "patch_size": 8}
LENGTHS = (("input_ids", 1), ("attention_mask", 1))


def _text(model: str, config: str, **options: Any) -> Callable[[], Case]:
    """A model of text with a mask, at any length."""

    def make() -> Case:
        import transformers

        module = getattr(transformers, model)(getattr(transformers, config)(**options))
        mask = torch.ones(2, 11, dtype=torch.int64)
        mask[1, 8:] = 0
        return module, {"input_ids": _tokens(11, 90), "attention_mask": mask}, LENGTHS

    return make


def _other(model: str, config: str, example: Callable[[], Example], **options: Any) -> Callable[[], Case]:
    def make() -> Case:
        import transformers

        return getattr(transformers, model)(getattr(transformers, config)(**options)), example(), ()

    return make


def _picture(size: int = 32) -> Callable[[], Example]:
    return lambda: {"pixel_values": torch.randn(2, 3, size, size)}


GPT2 = {"n_embd": 32, "n_layer": 2, "n_head": 4, "vocab_size": 99, "n_positions": 64, "use_cache": False}
SWIN = {"image_size": 32, "patch_size": 2, "embed_dim": 16, "depths": [1, 2], "num_heads": [2, 4], "window_size": 4}
CONVNEXT = {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 2, 1]}
WHISPER = {
    "d_model": 16, "encoder_layers": 2, "encoder_attention_heads": 4, "encoder_ffn_dim": 32, "num_mel_bins": 20,
    "max_source_positions": 30, "decoder_layers": 1, "decoder_attention_heads": 4, "decoder_ffn_dim": 32,
}  # fmt: skip
WAV2VEC = {
    **SMALL, "conv_dim": [16, 16], "conv_stride": [5, 4], "conv_kernel": [10, 8], "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 2,
}  # fmt: skip
MOBILEBERT = {**TEXT, "embedding_size": 16, "intra_bottleneck_size": 16, "true_hidden_size": 16}

TRANSFORMERS: dict[str, Callable[[], Case]] = {
    "BERT": _text("BertModel", "BertConfig", **TEXT),
    "DistilBERT": _text(
        "DistilBertForSequenceClassification", "DistilBertConfig", vocab_size=99, dim=32, hidden_dim=37, n_layers=2,
        n_heads=4, max_position_embeddings=64,
    ),
    "RoBERTa": _text("RobertaForMaskedLM", "RobertaConfig", **TEXT, pad_token_id=0),
    "MobileBERT": _text("MobileBertModel", "MobileBertConfig", **MOBILEBERT),
    "GPT-2": _text("GPT2LMHeadModel", "GPT2Config", **GPT2),
    "GPT-2 with cache": _text("GPT2LMHeadModel", "GPT2Config", **{**GPT2, "use_cache": True}),
    "Llama": _text("LlamaForCausalLM", "LlamaConfig", **TEXT, num_key_value_heads=2, use_cache=False),
    "T5 encoder": _text(
        "T5EncoderModel", "T5Config", vocab_size=99, d_model=32, d_kv=8, d_ff=37, num_layers=2, num_heads=4,
    ),
    "CLIP text": _text("CLIPTextModel", "CLIPTextConfig", **TEXT, eos_token_id=98, bos_token_id=97, pad_token_id=0),
    "CLIP vision": _other("CLIPVisionModel", "CLIPVisionConfig", _picture(), **PICTURE),
    "ViT": _other("ViTForImageClassification", "ViTConfig", _picture(), **PICTURE),
    "DeiT": _other("DeiTModel", "DeiTConfig", _picture(), **PICTURE),
    "Swin": _other("SwinModel", "SwinConfig", _picture(), **SWIN),
    "ConvNeXt": _other("ConvNextModel", "ConvNextConfig", _picture(), **CONVNEXT),
    "MobileNetV2": _other("MobileNetV2Model", "MobileNetV2Config", _picture(), depth_multiplier=0.25, image_size=32),
    "Whisper encoder": lambda: _whisper(),
    "Wav2Vec2": _other("Wav2Vec2Model", "Wav2Vec2Config", lambda: {"input_values": torch.randn(2, 800)}, **WAV2VEC),
}  # fmt: skip


def _whisper() -> Case:
    import transformers

    encoder = transformers.WhisperModel(transformers.WhisperConfig(**WHISPER)).get_encoder()
    return encoder, {"input_features": torch.randn(2, 20, 60)}, ()
