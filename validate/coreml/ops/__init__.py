"""ML Program operators, one function or table entry each, in files named like coremltools' own.

Importing this package fills :data:`paritygate.validate.coreml.bind.MIL` from the modules listed here, and no others.
"""

from importlib import import_module

FAMILIES = (
    "activation",
    "classify",
    "constexpr_ops",
    "control_flow",
    "conv",
    "images.crop_resize",
    "elementwise_binary",
    "elementwise_unary",
    "images.image_resizing",
    "linear",
    "normalization",
    "pool",
    "quantization_ops",
    "random",
    "recurrent",
    "reduction",
    "scatter_gather",
    "images.resampling",
    "slicing",
    "states",
    "tensor_operation",
    "tensor_transformation",
    "transformers",
)

for _family in FAMILIES:
    import_module(f".{_family}", __name__)
