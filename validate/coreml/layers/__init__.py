"""Neural network layers, one function or table entry each, in the groups of NeuralNetwork.proto.

Importing this package fills :data:`paritygate.validate.coreml.layer.LAYERS` from the modules listed here.
"""

from importlib import import_module

FAMILIES = (
    "activation",
    "binary",
    "control_flow",
    "convolution",
    "elementwise",
    "filling",
    "indexing",
    "joining",
    "linear",
    "normalization",
    "pooling",
    "random",
    "recurrent",
    "reduction",
    "resizing",
    "shape",
    "slicing",
    "suppression",
)

for _family in FAMILIES:
    import_module(f".{_family}", __name__)
