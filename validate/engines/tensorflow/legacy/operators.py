"""TensorFlow functions that Keras 2 wrote into a functional model as layers (``x + y``, ``tf.concat``, ``x[:, 0]``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ....errors import ParityGateError

OPERATOR_LAYERS = ("TFOpLambda", "SlicingOpLambda")

_PACKAGES = ("__operators__", "image", "linalg", "math", "nn", "signal", "strings")
"""Parts of TensorFlow whose functions compute, and do nothing else."""

_NAMES = (
    "abs add argmax argmin argsort boolean_mask broadcast_to cast clip_by_norm clip_by_value concat constant "
    "convert_to_tensor cos cumsum divide einsum equal exp expand_dims eye fill floor gather gather_nd greater "
    "greater_equal identity less less_equal logical_and logical_not logical_or matmul maximum minimum multiply "
    "negative norm not_equal one_hot ones ones_like pad pow range rank realdiv repeat reduce_all reduce_any "
    "reduce_logsumexp reduce_max reduce_mean reduce_min reduce_prod reduce_sum reshape reverse roll round "
    "scalar_mul searchsorted sequence_mask shape sigmoid sign sin size slice softmax sort split sqrt square "
    "squeeze stack stop_gradient strided_slice subtract tan tanh tensordot tile transpose truediv unstack where "
    "zeros zeros_like"
)
_FUNCTIONS = frozenset(_NAMES.split())
"""Functions of TensorFlow itself that compute, and do nothing else."""

_VERSION_1 = "compat.v1."


def function_named(name: str) -> Callable[..., Any]:
    """The TensorFlow function of that name. Raises ParityGateError PG402 for any that may do more than compute."""
    import tensorflow as tf

    plain = name.removeprefix(_VERSION_1)
    package, _, rest = plain.partition(".")
    known = rest.isidentifier() and package in _PACKAGES if rest else plain in _FUNCTIONS
    owner = tf.compat.v1 if name != plain else tf
    owner = getattr(owner, package, None) if rest else owner
    found = getattr(owner, rest or plain, None)
    if not known or not callable(found) or isinstance(found, type):
        cause = f"it calls tf.{name}, which isn't among the TensorFlow functions that are known only to compute"
        raise ParityGateError("PG402", "TFOpLambda", cause)
    return found  # type: ignore[no-any-return]  # an attribute of a module


def operator_layers() -> dict[str, Any]:
    """The classes of these layers, as custom objects for Keras."""
    import keras

    class TFOpLambda(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
        """A layer that calls one TensorFlow function."""

        def __init__(self, function: str, **keywords: Any) -> None:
            super().__init__(**keywords)
            self._function = function_named(function)
            self._convert_input_args = False  # or Keras would turn integers into the layer's floats
            self._allow_non_tensor_positional_args = True

        def call(self, *arguments: Any, **keywords: Any) -> Any:
            return self._function(*arguments, **{name: _plain(value) for name, value in keywords.items()})

    class SlicingOpLambda(TFOpLambda):
        """``x[...]``."""

    return {"TFOpLambda": TFOpLambda, "SlicingOpLambda": SlicingOpLambda}


def _plain(value: Any) -> Any:
    """A keyword as the function takes it: slices are saved as mappings."""
    if isinstance(value, Mapping) and value.keys() == {"start", "stop", "step"}:
        return slice(value["start"], value["stop"], value["step"])
    if isinstance(value, Mapping) and value.get("class_name") == "Ellipsis":
        return Ellipsis
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
