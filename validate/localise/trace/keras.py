"""The layers of a Keras model: every call of one is watched while the model runs as it always does."""

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
    """The model's outputs and its layers', nested models' too."""
    recorder = Recorder()
    with _watched(recorder, model.native):
        outputs = model.run(feed)
    return outputs, recorder.layers


@contextmanager
def _watched(recorder: Recorder, top: Any) -> Iterator[None]:
    """Every layer class inherits its ``__call__`` from Keras' own, so that is the one place to stand."""
    import keras

    call = keras.layers.Layer.__call__

    @wraps(call)
    def watched(layer: Any, *args: Any, **kwargs: Any) -> Any:
        result = call(layer, *args, **kwargs)
        if layer is not top:
            recorder.add(layer.name, type(layer).__name__, (layer.name,), _arrays(result))
        return result

    keras.layers.Layer.__call__ = watched
    try:
        yield
    finally:
        keras.layers.Layer.__call__ = call


def _arrays(result: Any) -> list[Array]:
    """The computed floating tensors; inside of a traced loop there are only symbols."""
    import keras
    import tensorflow as tf

    found = keras.tree.flatten(result)
    dense = [each for each in found if tf.is_tensor(each) and hasattr(each, "numpy")]
    return [each.numpy() for each in dense if each.dtype.is_floating and each.dtype != tf.bfloat16]
