"""ML Program operators, one function or table row each, in files named as coremltools' own.

Importing this package fills :data:`paritygate.validate.coreml.bind.MIL`; the list below is the registry's contents.
"""

from . import (
    activation,
    classify,
    control_flow,
    conv,
    elementwise_binary,
    elementwise_unary,
    linear,
    normalization,
    reduction,
    slicing,
    states,
    tensor_operation,
    tensor_transformation,
)

FAMILIES = (
    activation,
    classify,
    control_flow,
    conv,
    elementwise_binary,
    elementwise_unary,
    linear,
    normalization,
    reduction,
    slicing,
    states,
    tensor_operation,
    tensor_transformation,
)
