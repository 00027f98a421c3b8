"""Keras models: .keras and .h5 files, and live objects."""

from __future__ import annotations

import math
import os
import sys
from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import ParityGateError
from ...signature import Hint, Signature
from ..base import Facts, Layer, LoadOptions, Profile, grouped
from ..names import unique
from .freeze import FrozenGraph, freeze_function
from .keras_calls import Call, call_of
from .keras_files import check_file, keras_version, named_after_content
from .legacy.load import generation, load_legacy
from .tensors import describe, leaves, path_name, tf_dtype, tf_shape, to_numpy

if TYPE_CHECKING:
    from ...signature import Array, Feed


_GENERATION = 3
"""The Keras that runs here."""


class KerasModel:
    """A Keras model in inference mode; ``native`` is the untouched ``keras.Model``."""

    notes: tuple[str, ...] = ()

    def __init__(self, model: Any, call: Call, path: Path | None = None) -> None:
        self.native = model
        self._call = call
        self._path = path
        outputs = list(leaves(call.output_structure))
        named = call.output_names or tuple(path_name(where, "output") for where, _ in outputs)
        self._results = unique(named)
        self.signature = Signature(
            inputs=call.inputs,
            outputs=tuple(
                describe(name, tf_dtype(leaf.dtype), leaf.shape)
                for name, (_, leaf) in zip(self._results, outputs, strict=True)
            ),
        )

    def run(self, feed: Feed) -> dict[str, Array]:
        """Call the model eagerly with ``training=False``, as a user would; nothing is traced or exported."""
        import tensorflow as tf

        results = self._outputs({name: tf.constant(array) for name, array in feed.items()})
        return {name: to_numpy(name, value) for name, value in results.items()}

    def freeze(self) -> FrozenGraph:
        """The model's traced graph with its weights as constants; made once."""
        return self._frozen

    @cached_property
    def _frozen(self) -> FrozenGraph:
        """Trace with flat arguments, so that argument names can't clash with names of operators."""
        import tensorflow as tf

        specs = [tf.TensorSpec(tf_shape(spec.shape), tf_dtype(spec.dtype)) for spec in self.signature.inputs]
        names = [spec.name for spec in self.signature.inputs]

        def forward(*tensors: Any) -> list[Any]:
            return list(self._outputs(dict(zip(names, tensors, strict=True))).values())

        try:
            function = tf.function(forward).get_concrete_function(*specs)
        except Exception as error:  # whatever the layers raise
            raise ParityGateError("PG405", self.native.name, f"it can't be traced: {_reason(error)}") from error
        inputs = function.inputs[: len(specs)]
        return freeze_function(
            function,
            dict(zip(names, inputs, strict=True)),
            dict(zip(self._results, function.outputs, strict=True)),
        )

    def _outputs(self, tensors: Mapping[str, Any]) -> dict[str, Any]:
        arguments, keywords = self._call.pack(tensors)
        values = [value for _, value in leaves(self.native(*arguments, training=False, **keywords))]
        return dict(zip(self._results, values, strict=True))

    def weights(self) -> dict[str, Array]:
        """The layers' variables by their paths."""
        return {weight.path: to_numpy(weight.path, weight.value) for weight in self.native.weights}

    def hints(self) -> tuple[Hint, ...]:
        """From the layers that take the inputs; for a model without a graph of layers, from its traced graph."""
        from .hints import graph_hints
        from .keras_hints import layer_hints

        if self._call.layers is not None:
            return layer_hints(self._call.layers, self.signature)
        try:
            return graph_hints(self._frozen, self.signature)
        except ParityGateError:
            return ()  # the model can still be run; its conversion will report why it can't be traced

    def facts(self) -> Facts:
        """Counts of layers by class, those of nested models included."""
        layers = [layer for layer in self.native._flatten_layers(include_self=False) if not layer._layers]
        return Facts(
            format="Keras",
            producer=f"Keras {keras_version(self._path) if self._path else _running_version()}",
            operators=dict(Counter(type(layer).__name__ for layer in layers)),
            parameters=self.native.count_params() if self.native.built else None,
            size=self._path.stat().st_size if self._path else None,
        )

    def profile(self) -> Profile:
        """Variables by dtype, and the layers, those of nested models included."""
        weights = ((str(weight.dtype), math.prod(weight.shape)) for weight in self.native.weights)
        layers = [layer for layer in self.native._flatten_layers(include_self=False) if not layer._layers]
        named = (Layer(each.name, type(each).__name__, each.count_params() if each.built else 0) for each in layers)
        return Profile(grouped(weights), layers=tuple(named))


def load(source: Path | str | Any, options: LoadOptions) -> KerasModel:
    """Open a .keras or .h5 file, or take a live model.

    Raises ParityGateError PG501 for a file that contains code (Lambda layers) or reads files of its own unless
    ``options.trust``, PG402 with Keras' own reason when it can't be read, PG502 for weights in other files, PG206 when
    the model's inputs aren't known.
    """
    keras = _import_keras()
    path = Path(source) if isinstance(source, str | Path) else None
    model = source if path is None else _read(keras, path, options.trust)
    return KerasModel(model, call_of(model, options), path)


def _import_keras() -> Any:
    """Keras on TensorFlow: the backend is chosen at its first import, and the environment may name a different one."""
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = "tensorflow"
    import keras

    if keras.backend.backend() != "tensorflow":
        cause = f"Keras uses the backend {keras.backend.backend()}"
        raise ParityGateError("PG402", "Keras", cause, "Set KERAS_BACKEND=tensorflow before importing keras.")
    return keras


def _read(keras: Any, path: Path, trust: bool) -> Any:
    check_file(path, trust=trust)
    try:
        version = keras_version(path)
        if generation(version) < _GENERATION:
            return load_legacy(path, version, trust=trust)
        with named_after_content(path) as named:
            return keras.saving.load_model(named, compile=False, safe_mode=not trust)
    except ParityGateError:
        raise
    except Exception as error:  # Keras raises TypeError, KeyError, OSError and others
        reason = _reason(error)
        if not trust and "safe_mode" in str(error):
            raise ParityGateError(
                "PG501",
                str(path),
                f"loading it would run Python code that is stored in it: {reason}",
                "Pass --trust if you trust the file's author.",
            ) from error
        remedy = "Register its custom classes with keras.saving.register_keras_serializable and pass the live model."
        raise ParityGateError(
            "PG402", str(path), reason, remedy if "locate" in reason or "custom_objects" in reason else ""
        ) from error


def _reason(error: Exception) -> str:
    """The first paragraph of Keras' message that isn't a stack trace; the rest repeats the whole config."""
    paragraphs = [text.strip() for text in str(error).split("\n\n") if text.strip()]
    first = next((text for text in paragraphs if not text.startswith(("in user code", "File "))), "")
    return f"{type(error).__name__}: {first[:400]}"


def _running_version() -> str:
    import keras

    return str(keras.__version__)
