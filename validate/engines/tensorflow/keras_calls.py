"""How a Keras model is called: its input names and specs, and the nested structure that holds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from inspect import signature
from typing import Any

from ...errors import ParityGateError
from ...signature import TensorSpec
from ..base import LoadOptions
from ..names import unique
from .tensors import BATCH, Path, declared_inputs, describe, leaves, map_leaves, path_name, tf_dtype, tf_shape


@dataclass(frozen=True, slots=True)
class Call:
    """One way to call a model.

    ``structure`` is ``(arguments, keywords)`` with an input's name at each leaf. ``output_structure`` has a
    ``KerasTensor`` (or another object with dtype and shape) at each leaf; ``output_names`` are the leaves' names if
    the model names them. ``layers`` are the input layers' KerasTensors, None without a layer graph.
    """

    inputs: tuple[TensorSpec, ...]
    structure: tuple[Any, Any]
    output_structure: Any
    output_names: tuple[str, ...] | None = None
    layers: tuple[tuple[str, Any], ...] | None = None

    def pack(self, tensors: Mapping[str, Any]) -> tuple[Any, Any]:
        """The arguments and keywords of a call with these tensors, by input name."""
        arguments, keywords = map_leaves(self.structure, lambda _, name: tensors[name])
        return arguments, keywords


def call_of(model: Any, options: LoadOptions) -> Call:
    """How ``model`` is called; ``options.axes`` makes further axes dynamic.

    Raises ParityGateError PG206 for a model that was never called and has neither declared inputs nor an example,
    PG402 for sparse and ragged inputs, PG201 for a dynamic axis of an unknown input.
    """
    functional = getattr(model, "_functional", model)
    if functional is not None and hasattr(functional, "_inputs_struct"):
        return _with_dynamic_axes(_functional_call(functional), options)
    return _with_dynamic_axes(_subclass_call(model, options), options)


def _functional_call(model: Any) -> Call:
    """Functional and built Sequential models: inputs are named after their input layers, or by their keys."""
    inputs = list(leaves(model._inputs_struct))
    outputs = list(leaves(model._outputs_struct))
    names = _names(inputs)
    placed = dict(zip((where for where, _ in inputs), names, strict=True))
    structure = map_leaves(model._inputs_struct, lambda where, _: placed[where])
    for name, (_, tensor) in zip(names, inputs, strict=True):
        if tensor.sparse or tensor.ragged:
            raise ParityGateError("PG402", name, "the input is sparse or ragged; only dense tensors can be fed")
    return Call(
        inputs=tuple(_describe(name, tensor) for name, (_, tensor) in zip(names, inputs, strict=True)),
        structure=((structure,), {}),
        output_structure=model._outputs_struct,
        output_names=_names(outputs),
        layers=tuple(zip(names, (tensor for _, tensor in inputs), strict=True)),
    )


def _names(tensors: list[tuple[Path, Any]]) -> tuple[str, ...]:
    """The key in the user's structure, else the name of the layer that computes the tensor.

    The tensors' own names (keras_tensor_12) are different in each process.
    """
    return tuple(
        unique(
            [
                path_name(where, "") if any(isinstance(part, str) for part in where) else _layer_name(tensor)
                for where, tensor in tensors
            ]
        )
    )


def _layer_name(tensor: Any) -> str:
    return str(tensor._keras_history.operation.name)


def _subclass_call(model: Any, options: LoadOptions) -> Call:
    """A model written as a class: by the user's declarations or example, else by the shapes of its first call."""
    inputs, structure = _declared_call(model, options) or _recorded_call(model)
    tensors = {spec.name: _symbol(spec) for spec in inputs}
    arguments, keywords = map_leaves(structure, lambda _, name: tensors[name])
    try:
        outputs = model.compute_output_spec(*arguments, **keywords)
    except Exception as error:  # the user's call() may raise anything
        given = ", ".join(map(str, inputs))
        remedy = "Declare every argument of call() as an input, by name."
        raise ParityGateError(
            "PG206", type(model).__name__, f"it can't be called with {given}: {error}", remedy
        ) from error
    return Call(inputs, structure, outputs)


def _declared_call(model: Any, options: LoadOptions) -> tuple[tuple[TensorSpec, ...], tuple[Any, Any]] | None:
    """One input is the only argument; several are keywords where ``call`` has such parameters, else one dict."""
    inputs = declared_inputs(options)
    if not inputs:
        return None
    names = [spec.name for spec in inputs]
    if len(names) == 1:
        return inputs, ((names[0],), {})
    by_name = {name: name for name in names}
    return inputs, ((), by_name) if set(names) <= set(signature(model.call).parameters) else ((by_name,), {})


def _recorded_call(model: Any) -> tuple[tuple[TensorSpec, ...], tuple[Any, Any]]:
    """The shapes that Keras recorded at the first call, by argument; it records no dtypes, so the model's is used."""
    recorded = getattr(model, "_build_shapes_dict", None)
    if not recorded:
        raise ParityGateError(
            "PG206",
            f"{type(model).__name__} {model.name}",
            "the model was never called, so its inputs are not known",
            "Call it once on real data, or declare its inputs.",
        )
    shapes = {name.removesuffix("_shape"): shape for name, shape in recorded.items()}
    found = [(where, shape) for where, shape in _shape_leaves(shapes)]
    names = unique([path_name(where, "input") for where, _ in found])
    placed = dict(zip((where for where, _ in found), names, strict=True))
    inputs = tuple(
        describe(name, tf_dtype(model.input_dtype), [None, *shape[1:]])
        for name, (_, shape) in zip(names, found, strict=True)
    )
    structure = {name: _place(shape, placed, (name,)) for name, shape in shapes.items()}
    if len(structure) == 1:
        return inputs, (tuple(structure.values()), {})
    return inputs, ((), structure)


def _is_shape(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(dim is None or isinstance(dim, int) for dim in value)


def _shape_leaves(value: Any, path: Path = ()) -> Iterable[tuple[Path, Any]]:
    """Like :func:`.tensors.leaves`, where a tuple of integers is a leaf: a shape."""
    if _is_shape(value):
        yield path, value
        return
    items = value.items() if isinstance(value, Mapping) else enumerate(value)
    for key, inner in items:
        yield from _shape_leaves(inner, (*path, key))


def _place(value: Any, placed: Mapping[Path, str], path: Path) -> Any:
    if _is_shape(value):
        return placed[path]
    if isinstance(value, Mapping):
        return {key: _place(inner, placed, (*path, key)) for key, inner in value.items()}
    return type(value)(_place(inner, placed, (*path, index)) for index, inner in enumerate(value))


def _symbol(spec: TensorSpec) -> Any:
    import keras

    return keras.KerasTensor(tf_shape(spec.shape), dtype="string" if spec.dtype == "str" else spec.dtype)


def _describe(name: str, tensor: Any) -> TensorSpec:
    return describe(name, tf_dtype(tensor.dtype), tensor.shape)


def _with_dynamic_axes(call: Call, options: LoadOptions) -> Call:
    """The same call with the axes of ``options.axes`` dynamic in its inputs' shapes."""
    specs = {spec.name: spec for spec in call.inputs}
    for name, axis in options.axes:
        spec = specs.get(name)
        if spec is None or spec.shape is None or not -len(spec.shape) <= axis < len(spec.shape):
            raise ParityGateError("PG201", f"--dynamic {name}:{axis}", f"no such axis; inputs: {', '.join(specs)}")
        axis %= len(spec.shape)
        symbol = spec.shape[axis] if isinstance(spec.shape[axis], str) else f"{name}_{axis}" if axis else BATCH
        specs[name] = replace(spec, shape=(*spec.shape[:axis], symbol, *spec.shape[axis + 1 :]))
    return replace(call, inputs=tuple(specs.values()))
