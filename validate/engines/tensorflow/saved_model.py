"""TensorFlow SavedModels, and live ``tf.Module``, ``tf.function`` and concrete functions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import ParityGateError
from ...signature import Hint, Signature
from ..base import Facts, LoadOptions
from ..names import unique
from .freeze import FrozenGraph, freeze_function
from .graph import frozen_facts
from .hints import graph_hints
from .saved_files import SavedModelFile
from .tensors import (
    check_dynamic,
    declared_inputs,
    describe,
    leaves,
    map_leaves,
    path_name,
    tf_dtype,
    tf_shape,
    to_numpy,
)

if TYPE_CHECKING:
    from ...signature import Array, Feed
    from .freeze import GraphModel


class FunctionModel:
    """A concrete function (``native``). ``owner`` keeps its variables alive, ``file`` is the SavedModel it is from."""

    notes: tuple[str, ...] = ()

    def __init__(self, function: Any, owner: Any, file: SavedModelFile | None = None) -> None:
        self.native = function
        self._owner = owner
        self._file = file
        arguments = [(path, leaf) for path, leaf in leaves(function.structured_input_signature) if _is_tensor(leaf)]
        names = unique([leaf.name or path_name(path, "input") for path, leaf in arguments])
        self._arguments = dict(zip((path for path, _ in arguments), names, strict=True))
        results = [(path, leaf) for path, leaf in leaves(function.structured_outputs) if leaf is not None]
        self._results = dict(
            zip((path for path, _ in results), unique([path_name(p, "output") for p, _ in results]), strict=True)
        )
        self.signature = Signature(
            inputs=tuple(describe(self._arguments[path], leaf.dtype, leaf.shape) for path, leaf in arguments),
            outputs=tuple(describe(self._results[path], leaf.dtype, leaf.shape) for path, leaf in results),
        )

    def weights(self) -> dict[str, Array]:
        """The variables that the function reads, by their names and their order: names may repeat."""
        variables = self.native.graph.variables
        return {f"{variable.name}#{number}": variable.numpy() for number, variable in enumerate(variables)}

    def run(self, feed: Feed) -> dict[str, Array]:
        """Call the function with its own argument structure."""
        import tensorflow as tf

        def fill(path: tuple[str | int, ...], leaf: Any) -> Any:
            return tf.constant(feed[self._arguments[path]]) if path in self._arguments else leaf

        arguments, keywords = map_leaves(self.native.structured_input_signature, fill)
        results = dict(leaves(self.native(*arguments, **keywords)))
        return {name: to_numpy(name, results[path]) for path, name in self._results.items()}

    def freeze(self) -> FrozenGraph:
        """The function's graph with its variables as constants; made once."""
        return self._frozen

    @cached_property
    def _frozen(self) -> FrozenGraph:
        own = len(self.native.inputs) - len(self.native.captured_inputs)
        return freeze_function(
            self.native,
            dict(zip(self._arguments.values(), self.native.inputs[:own], strict=True)),
            dict(zip(self._results.values(), self.native.outputs, strict=True)),
        )

    def hints(self) -> tuple[Hint, ...]:
        """Read from the frozen graph: embedding sizes, words of lookup tables, byte images."""
        return graph_hints(self._frozen, self.signature)

    def facts(self) -> Facts:
        """Counts from the frozen graph."""
        if self._file is None:
            return frozen_facts("TensorFlow function", self._frozen)
        return frozen_facts("SavedModel", self._frozen, self._file.producer, self._file.size)


def load(source: Path | str | Any, options: LoadOptions) -> GraphModel:
    """Open a SavedModel folder or its saved_model.pb, or take a live module or function.

    Raises ParityGateError PG201 for an unknown signature, PG206 if the signature is ambiguous or a live function's
    inputs aren't known, PG402 with TensorFlow's own reason when it can't be loaded, PG501 for operators that do more
    than compute, PG502 for files outside of the folder.
    """
    model = _from_folder(Path(source), options) if isinstance(source, str | Path) else _from_object(source, options)
    check_dynamic(model.signature.inputs, options.axes)
    return model


def _from_folder(path: Path, options: LoadOptions) -> GraphModel:
    """Restore the object graph; if that fails or the file has none, the graph, with the loader of version 1."""
    import tensorflow as tf

    from .graph import session_from_saved_model

    file = SavedModelFile.read(path.parent if path.name == "saved_model.pb" else path, trust=options.trust)
    key = choose_signature(str(path), file.signatures, options.signature)
    if file.needs_session:
        return session_from_saved_model(file, key)
    try:
        owner = tf.saved_model.load(str(file.folder), tags=list(file.tags))
        function = owner.signatures[key]
    except Exception as error:  # noqa: BLE001  # restoring runs the code of the objects' classes
        return session_from_saved_model(file, key, error)
    return FunctionModel(function, owner, file)


def choose_signature(subject: str, names: tuple[str, ...], requested: str | None) -> str:
    """The named signature, else serving_default, else the only one. Raises PG201 or PG206 with the choices."""
    choices = f"Signatures: {', '.join(names) or 'none'}."
    if requested is not None and requested not in names:
        raise ParityGateError("PG201", f"--signature {requested}", f"{subject} has no such signature", choices)
    if requested is not None or "serving_default" in names:
        return requested or "serving_default"
    if len(names) != 1:
        cause = f"it has {len(names)} signatures, and none is named serving_default"
        raise ParityGateError("PG206", subject, cause, f"Choose one with --signature. {choices}" if names else choices)
    return names[0]


def _from_object(source: Any, options: LoadOptions) -> FunctionModel:
    """A concrete function as it is; a module by its signatures or its ``__call__``; a ``tf.function`` traced."""
    import tensorflow as tf

    signatures = getattr(source, "signatures", None)
    if isinstance(signatures, Mapping) and signatures:
        key = choose_signature(type(source).__name__, tuple(sorted(signatures)), options.signature)
        return FunctionModel(signatures[key], source)
    if hasattr(source, "structured_input_signature"):
        return FunctionModel(source, source)
    function = source if hasattr(source, "get_concrete_function") else getattr(source, "__call__", None)  # noqa: B004
    if not hasattr(function, "get_concrete_function"):
        function = tf.function(function)
    return FunctionModel(_trace(function, options), source)


def _trace(function: Any, options: LoadOptions) -> Any:
    """Trace with the function's own ``input_signature``, else with the user's declarations or example."""
    import tensorflow as tf

    declared = () if function.input_signature is not None else declared_inputs(options)
    specs = [tf.TensorSpec(tf_shape(spec.shape), tf_dtype(spec.dtype), name=spec.name) for spec in declared]
    try:
        return function.get_concrete_function(*specs)
    except (TypeError, ValueError) as error:
        raise ParityGateError(
            "PG206",
            getattr(function, "__name__", "function"),
            f"it can't be traced: {error}",
            "Give it an input_signature, pass function.get_concrete_function(...), or declare its inputs.",
        ) from error


def _is_tensor(leaf: Any) -> bool:
    import tensorflow as tf

    return isinstance(leaf, tf.TensorSpec)
