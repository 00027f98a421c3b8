"""Neural network layers, one function or table row each, grouped as NeuralNetwork.proto groups them.

Importing this package fills :data:`paritygate.validate.coreml.layer.LAYERS`; the list below is its contents.
"""

from . import activation, convolution, linear, pooling

FAMILIES = (activation, convolution, linear, pooling)
