"""Architectures of transformers, built from small configurations with random weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from .torch_case import Case, Example, tokens

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
        return module, {"input_ids": tokens(11, 90), "attention_mask": mask}, LENGTHS

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
WHISPER_TEXT = {
    "vocab_size": 50, "max_target_positions": 20, "use_cache": False, "pad_token_id": 0, "bos_token_id": 1,
    "eos_token_id": 2, "decoder_start_token_id": 1, "suppress_tokens": None, "begin_suppress_tokens": None,
}  # fmt: skip
SQUEEZED = {**TEXT, "embedding_size": 32, "intermediate_size": 36}
MOBILEBERT = {**TEXT, "embedding_size": 16, "intra_bottleneck_size": 16, "true_hidden_size": 16}

ALBERT = {**TEXT, "embedding_size": 16}
BART = {
    "vocab_size": 99, "d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 4,
    "decoder_attention_heads": 4, "encoder_ffn_dim": 37, "decoder_ffn_dim": 37, "max_position_embeddings": 64,
    "use_cache": False,
}  # fmt: skip
DEBERTA = {**TEXT, "relative_attention": True, "max_relative_positions": 32, "pos_att_type": ["p2c", "c2p"]}
SEGFORMER = {
    "hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1], "decoder_hidden_size": 16, "num_labels": 5,
    "num_attention_heads": [1, 2, 3, 4],
}  # fmt: skip
MOBILEVIT = {
    "image_size": 64, "hidden_sizes": [16, 24, 32], "neck_hidden_sizes": [8, 8, 12, 16, 24, 32, 40],
    "num_attention_heads": 4, "expand_ratio": 1.0,
}  # fmt: skip
STAGES = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 2]}
POOLFORMER = {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 2, 1]}
PVT = {"image_size": {"height": 64, "width": 64}, "hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1],
       "num_attention_heads": [1, 2, 2, 4]}  # fmt: skip
DECODER = {**TEXT, "num_key_value_heads": 2, "use_cache": False}

TRANSFORMERS: dict[str, Callable[[], Case]] = {
    "BERT": _text("BertModel", "BertConfig", **TEXT),
    "DistilBERT": _text(
        "DistilBertForSequenceClassification", "DistilBertConfig", vocab_size=99, dim=32, hidden_dim=37, n_layers=2,
        n_heads=4, max_position_embeddings=64,
    ),
    "RoBERTa": _text("RobertaForMaskedLM", "RobertaConfig", **TEXT, pad_token_id=0),
    "MobileBERT": _text("MobileBertModel", "MobileBertConfig", **MOBILEBERT),
    "ALBERT": _text("AlbertModel", "AlbertConfig", **ALBERT),
    "ELECTRA": _text("ElectraForTokenClassification", "ElectraConfig", **{**TEXT, "embedding_size": 16}),
    "DeBERTa": _text("DebertaModel", "DebertaConfig", **DEBERTA),
    "DeBERTa v2": _text("DebertaV2Model", "DebertaV2Config", **DEBERTA),
    "MPNet": _text("MPNetModel", "MPNetConfig", **TEXT),
    "XLM-RoBERTa": _text("XLMRobertaForQuestionAnswering", "XLMRobertaConfig", **TEXT, pad_token_id=0),
    "RoFormer": _text("RoFormerModel", "RoFormerConfig", **TEXT),
    "SqueezeBERT": _text("SqueezeBertModel", "SqueezeBertConfig", **SQUEEZED),
    "ModernBERT": _text("ModernBertModel", "ModernBertConfig", **TEXT, pad_token_id=0),
    "FNet": _other("FNetModel", "FNetConfig", lambda: {"input_ids": tokens(11, 90)}, **TEXT),
    "BART": _text("BartForConditionalGeneration", "BartConfig", **BART),
    "T5": lambda: _t5(),
    "GPT-2": _text("GPT2LMHeadModel", "GPT2Config", **GPT2),
    "GPT-2 with cache": _text("GPT2LMHeadModel", "GPT2Config", **{**GPT2, "use_cache": True}),
    "GPT-NeoX": _text("GPTNeoXForCausalLM", "GPTNeoXConfig", **TEXT, use_cache=False),
    "OPT": _text(
        "OPTForCausalLM", "OPTConfig", vocab_size=99, hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
        ffn_dim=37, max_position_embeddings=64, word_embed_proj_dim=32, use_cache=False,
    ),
    "BLOOM": _text(
        "BloomForCausalLM", "BloomConfig", vocab_size=99, hidden_size=32, n_layer=2, n_head=4, use_cache=False,
    ),
    "Mistral": _text("MistralForCausalLM", "MistralConfig", **DECODER, sliding_window=8),
    "Qwen2": _text("Qwen2ForCausalLM", "Qwen2Config", **DECODER),
    "Qwen3": _text("Qwen3ForCausalLM", "Qwen3Config", **DECODER, head_dim=8),
    "Gemma": _text("GemmaForCausalLM", "GemmaConfig", **DECODER, head_dim=8),
    "Phi": _text("PhiForCausalLM", "PhiConfig", **TEXT, use_cache=False),
    "Mamba": _other(
        "MambaModel", "MambaConfig", lambda: {"input_ids": tokens(11, 90)}, vocab_size=99, hidden_size=16, state_size=4,
        num_hidden_layers=2, use_cache=False,
    ),
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
    "DINOv2": _other("Dinov2Model", "Dinov2Config", _picture(), **PICTURE),
    "BEiT": _other("BeitModel", "BeitConfig", _picture(), **PICTURE),
    "SigLIP vision": _other("SiglipVisionModel", "SiglipVisionConfig", _picture(), **PICTURE),
    "Swin v2": _other("Swinv2Model", "Swinv2Config", _picture(), **SWIN),
    "SegFormer": _other("SegformerForSemanticSegmentation", "SegformerConfig", _picture(64), **SEGFORMER),
    "MobileViT": _other("MobileViTModel", "MobileViTConfig", _picture(64), **MOBILEVIT),
    "ResNet": _other("ResNetForImageClassification", "ResNetConfig", _picture(), **STAGES),
    "RegNet": _other("RegNetModel", "RegNetConfig", _picture(), **STAGES, groups_width=4),
    "PoolFormer": _other("PoolFormerModel", "PoolFormerConfig", _picture(), **POOLFORMER),
    "PVT v2": _other("PvtV2Model", "PvtV2Config", _picture(64), **PVT),
    "EfficientNet": _other(
        "EfficientNetModel", "EfficientNetConfig", _picture(64), width_coefficient=0.25, depth_coefficient=0.3,
        hidden_dim=320,
    ),
    "Whisper": lambda: _whisper_decoder(),
    "Whisper encoder": lambda: _whisper(),
    "Wav2Vec2": _other("Wav2Vec2Model", "Wav2Vec2Config", lambda: {"input_values": torch.randn(2, 800)}, **WAV2VEC),
}  # fmt: skip


def _whisper() -> Case:
    import transformers

    encoder = transformers.WhisperModel(transformers.WhisperConfig(**WHISPER)).get_encoder()
    return encoder, {"input_features": torch.randn(2, 20, 60)}, ()


def _whisper_decoder() -> Case:
    import transformers

    model = transformers.WhisperForConditionalGeneration(transformers.WhisperConfig(**WHISPER, **WHISPER_TEXT))
    example = {"input_features": torch.randn(2, 20, 60), "decoder_input_ids": tokens(5, 40)}
    return model, example, (("decoder_input_ids", 1),)


def _t5() -> Case:
    import transformers

    config = transformers.T5Config(
        vocab_size=99, d_model=32, d_kv=8, d_ff=37, num_layers=2, num_heads=4, use_cache=False
    )
    example = {"input_ids": tokens(11, 90), "decoder_input_ids": tokens(5, 90)}
    axes = (("input_ids", 1), ("decoder_input_ids", 1))
    return transformers.T5ForConditionalGeneration(config), example, axes
