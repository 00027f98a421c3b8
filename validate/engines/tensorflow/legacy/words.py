"""Keras 3's words for those of Keras 1 and 2: layers, their arguments, and what may be left out.

Read from the constructors of Keras 1.2.2, Keras 2.0 to 2.15 and Keras 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CLASSES: Mapping[str, str] = {
    "AtrousConvolution1D": "Conv1D",
    "AtrousConvolution2D": "Conv2D",
    "Convolution3D": "Conv3D",
    "CuDNNGRU": "GRU",
    "CuDNNLSTM": "LSTM",
    "Deconvolution2D": "Conv2DTranspose",
    "Deconvolution3D": "Conv3DTranspose",
    "Functional": "Model",
    "RandomHeight": "Identity",
    "RandomWidth": "Identity",
    "SyncBatchNormalization": "BatchNormalization",
    "ThresholdedReLU": "ReLU",
}
"""Layers under another name. The random ones do nothing at inference, as does Identity."""

ARGUMENTS: Mapping[str, str] = {
    "atrous_rate": "dilation_rate",
    "batch_input_shape": "batch_shape",
    "bias": "use_bias",
    "border_mode": "padding",
    "dim_ordering": "data_format",
    "dropout_U": "recurrent_dropout",
    "dropout_W": "dropout",
    "filter_length": "kernel_size",
    "inner_activation": "recurrent_activation",
    "nb_filter": "filters",
    "p": "rate",
    "pool_length": "pool_size",
    "stride": "strides",
    "subsample": "strides",
    "subsample_length": "strides",
    "theta": "threshold",
}
"""Arguments under another name, in every layer that doesn't have them under the old one."""

OWN_ARGUMENTS: Mapping[str, Mapping[str, str]] = {
    "CategoryEncoding": {"max_tokens": "num_tokens"},
    "Dense": {"output_dim": "units"},
    "GRU": {"output_dim": "units"},
    "GaussianNoise": {"sigma": "stddev"},
    "InputLayer": {"input_dtype": "dtype"},
    "LSTM": {"output_dim": "units"},
    "LeakyReLU": {"alpha": "negative_slope"},
    "SimpleRNN": {"output_dim": "units"},
    "UpSampling1D": {"length": "size"},
}
"""Arguments that are renamed in one layer only."""

VALUES: Mapping[str, Mapping[Any, Any]] = {
    "data_format": {"th": "channels_first", "tf": "channels_last", "default": None},
    "output_mode": {"binary": "multi_hot", "tf-idf": "tf_idf"},
}
"""Argument -> values under another name."""

KERNELS = (("nb_row", "nb_col"), ("kernel_dim1", "kernel_dim2", "kernel_dim3"))
"""Arguments of Keras 1 that together are ``kernel_size``."""

ANY = object()
"""Every value: the argument says how to compute or to train, not what."""

NEUTRAL: Mapping[str, tuple[Any, ...] | object] = {
    "W_constraint": ANY,
    "W_learning_rate_multiplier": ANY,
    "W_regularizer": ANY,
    "U_regularizer": ANY,
    "adjustment": (None,),
    "b_constraint": ANY,
    "b_regularizer": ANY,
    "batch_size": ANY,
    "beta_init": ANY,
    "causal": (False, None),
    "consume_less": ANY,
    "cropping_mode": ANY,
    "dropout": (0, None),
    "experimental_autocast": ANY,
    "factor": ANY,
    "force_generator": ANY,
    "forget_bias_init": ANY,
    "fused": ANY,
    "gamma_init": ANY,
    "gamma_regularizer": ANY,
    "groups": (1, None),
    "has_input_vocabulary": ANY,
    "implementation": ANY,
    "init": ANY,
    "interpolation": ANY,
    "inner_init": ANY,
    "input_dim": ANY,
    "input_dtype": ANY,
    "input_length": ANY,
    "key_shape": ANY,
    "max_value": (None,),
    "mode": (0, None),
    "noise_shape": ANY,
    "output_shape": ANY,
    "query_shape": ANY,
    "rng_type": ANY,
    "seed": ANY,
    "softmax_robust_masking": ANY,
    "time_major": (False, None),
    "trainable": ANY,
    "unroll": ANY,
    "value_shape": ANY,
    "virtual_batch_size": (None,),
    "vocabulary_size": ANY,
    "weights": ANY,
}
"""Arguments that a layer of Keras 3 lacks -> the values with which they change nothing at inference.

``softmax_robust_masking`` is about rows without any allowed position.
"""

DEFAULTS: Mapping[str, dict[str, Any]] = {"GRU": {"reset_after": False}, "GRUCell": {"reset_after": False}}
"""Arguments that old files leave out -> the value that this meant; Keras 3 has another default."""

IMPLIED: Mapping[str, dict[str, Any]] = {"CuDNNGRU": {"reset_after": True}}
"""Arguments that a layer under another name had always."""

GONE: Mapping[str, str] = {
    "Highway": "Keras 3 lacks it",
    "LocallyConnected1D": "Keras 3 lacks it",
    "LocallyConnected2D": "Keras 3 lacks it",
    "MaxoutDense": "Keras 3 lacks it",
    "ParametricSoftplus": "Keras 3 lacks it",
    "RandomCrop": "Keras 2 crops at inference, too, and Keras 3 doesn't",
    "SReLU": "Keras 3 lacks it",
    "TimeDistributedDense": "Keras 3 lacks it",
}
"""Layers that Keras 3 lacks or computes differently -> why nothing can replace them."""
