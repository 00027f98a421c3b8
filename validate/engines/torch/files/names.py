"""What PyTorch's pickles hold: exact names, all of them listed. torchvision and the like are not among them."""

from __future__ import annotations

from ....guard.names import Names, exact
from ....guard.standard import NUMPY, PYTHON
from .layer_names import LAYERS

_STORAGES = [
    "BFloat16",
    "Bool",
    "Byte",
    "Char",
    "ComplexDouble",
    "ComplexFloat",
    "Double",
    "Float",
    "Half",
    "Int",
    "Long",
    "QInt32",
    "QInt8",
    "QUInt2x4",
    "QUInt4x2",
    "QUInt8",
    "Short",
]
_CONSTANTS = (
    "float16 float32 float64 bfloat16 float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz int8 int16 int32 "
    "int64 uint8 uint16 uint32 uint64 bool complex32 complex64 complex128 qint8 quint8 qint32 strided sparse_coo "
    "sparse_csr preserve_format contiguous_format channels_last channels_last_3d per_tensor_affine "
    "per_tensor_symmetric per_channel_affine per_channel_symmetric per_channel_affine_float_qparams"
)
_REBUILDERS = (
    "_rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3 _rebuild_parameter _rebuild_parameter_with_state "
    "_rebuild_sparse_tensor _rebuild_qtensor _rebuild_meta_tensor_no_storage"
)

TENSORS = PYTHON | NUMPY | Names(
    classes=exact(
        {
            "argparse": "Namespace",
            "torch": "Tensor",
            "torch.nn.parameter": "Buffer Parameter UninitializedBuffer UninitializedParameter",
        }
    ),
    calls=exact(
        {
            "pathlib": "PosixPath PurePosixPath PureWindowsPath WindowsPath",
            "torch": "Size device",
            "torch._utils": _REBUILDERS,
            "torch._tensor": "_rebuild_from_type_v2",
            "torch.serialization": "_get_layout",
        }
    ),
    values=exact(
        {
            "torch": f"{_CONSTANTS} {' '.join(f'{kind}Storage' for kind in _STORAGES)}",
            "torch.storage": "TypedStorage UntypedStorage",
        }
    ),
    moved={("torch", "UntypedStorage"): ("torch.storage", "UntypedStorage"),
           ("torch.tensor", "_rebuild_from_type_v2"): ("torch._tensor", "_rebuild_from_type_v2")},
)  # fmt: skip
"""Tensors, and what checkpoints hold beside them: numbers, arrays, paths, the options of a command."""

_FUNCTIONS = (
    "adaptive_avg_pool2d adaptive_avg_pool3d celu cross_entropy elu glu gumbel_softmax hardsigmoid hardswish hardtanh "
    "interpolate leaky_relu log_softmax mish mse_loss normalize pad relu relu6 rrelu selu sigmoid silu smooth_l1_loss "
    "softmax softmin softsign tanh tanhshrink"
)
_NATIVE = (
    "elu elu_ gelu glu hardsigmoid hardswish hardtanh leaky_relu log_sigmoid mish relu6 silu softplus softshrink "
    "log_sigmoid"
)
_METHODS = ["cos", "exp", "relu", "selu", "sigmoid", "sin", "tanh"]

MODULES = TENSORS | Names(
    classes=exact(LAYERS)
    | exact(
        {
            "torch.nn.modules.module": "_WrappedHook",
            "torch.nn.utils.rnn": "PackedSequence",
            "torch.nn.utils.spectral_norm": "SpectralNorm SpectralNormLoadStateDictPreHook SpectralNormStateDictHook",
            "torch.nn.utils.weight_norm": "WeightNorm",
            "torch.nn.utils.prune": "CustomFromMask Identity L1Unstructured LnStructured PruningContainer "
            "RandomStructured RandomUnstructured",
        }
    ),
    values=exact(
        {
            "torch.nn.functional": _FUNCTIONS,
            "torch._C._nn": _NATIVE,
            "torch._C": "_VariableFunctionsClass",
        }
    ),
    methods=frozenset(("torch._C", "_VariableFunctionsClass", name) for name in _METHODS),
)
"""What pickled modules of PyTorch's own layers need; activations such as ``torch.relu`` are pickled as methods."""
