"""The outputs of a Keras model's layers: every call of a layer is recorded while the model runs as usual."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any

from .layers import LayerValue, Recorder

if TYPE_CHECKING:
    from ...engines.tensorflow.keras import KerasModel
    from ...signature import Array, Feed


def trace(model: KerasModel, feed: Feed) -> tuple[dict[str, Array], list[LayerValue]]:
    """The outputs of the model and of its layers, those of nested models included."""
    recorder = Recorder()
    with _recording(recorder, model.native):
        outputs = model.run(feed)
    return outputs, recorder.layers


@contextmanager
def _recording(recorder: Recorder, top: Any) -> Iterator[None]:
    """Replace the ``__call__`` that every layer class inherits from Keras for the length of the block."""
    import keras

    call = keras.layers.Layer.__call__

    @wraps(call)
    def recorded(layer: Any, *args: Any, **kwargs: Any) -> Any:
        result = call(layer, *args, **kwargs)
        if layer is not top:
            recorder.add(layer.name, type(layer).__name__, (layer.name,), _arrays(result))
        return result

    keras.layers.Layer.__call__ = recorded
    try:
        yield
    finally:
        keras.layers.Layer.__call__ = call


def _arrays(result: Any) -> list[Array]:
    """The computed floating tensors; inside a traced loop there are only symbols."""
    import keras
    import tensorflow as tf

    found = keras.tree.flatten(result)
    dense = [each for each in found if tf.is_tensor(each) and hasattr(each, "numpy")]
    return [each.numpy() for each in dense if each.dtype.is_floating and each.dtype != tf.bfloat16]
