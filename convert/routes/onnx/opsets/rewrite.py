"""One node that changes its opset, and the nodes that take its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from .names import Names
from .refusal import InexpressibleError
from .schemas import defaults, schema_at
from .scope import Scope, dims_of

if TYPE_CHECKING:
    from .....validate.signature import Array

_AXES_ARE_AN_INPUT = {"Squeeze": 13, "Unsqueeze": 13, "ReduceSum": 13}
_OTHER_REDUCTIONS = 18


@dataclass(slots=True)
class Rewrite:
    """What a rule reads of ``node``, and where it puts new nodes.

    ``before`` is the opset that the node conforms to, ``opset`` the one that what a rule emits has to conform to.
    A rule ends with :meth:`give` or :meth:`keep`, which define the node's own outputs.
    """

    node: onnx.NodeProto
    scope: Scope
    names: Names
    before: int
    opset: int
    emitted: list[onnx.NodeProto] = field(default_factory=list)

    def attribute(self, name: str, otherwise: Any = None) -> Any:
        """An attribute's value, or its default at the node's opset; texts as ``str``."""
        for given in self.node.attribute:
            if given.name == name:
                return _text(helper.get_attribute_value(given))
        return _text(defaults(self.node.op_type, self.before).get(name, otherwise))

    def has(self, index: int) -> bool:
        """Whether the node has the input."""
        return len(self.node.input) > index and bool(self.node.input[index])

    def input(self, index: int) -> str:
        """An input's name, empty where the node has none."""
        return self.node.input[index] if self.has(index) else ""

    def uses(self, index: int) -> bool:
        """Whether the node names the output."""
        return len(self.node.output) > index and bool(self.node.output[index])

    def constant(self, index: int) -> Array | None:
        """An input's value where it is constant."""
        return self.scope.constant(self.input(index)) if self.has(index) else None

    def fixed(self, index: int, what: str) -> Array:
        """An input's value. Raises InexpressibleError where it isn't constant: the older schema has an attribute."""
        value = self.constant(index)
        if value is None:
            raise InexpressibleError(f"there {what} can't be computed by the graph, and here '{self.input(index)}' is")
        return value

    def dims(self, index: int) -> list[int | None] | None:
        """An input's shape, None for a length or a shape that isn't known."""
        return dims_of(self.scope.type_of(self.input(index)))

    def rank(self, index: int = 0) -> int:
        """An input's number of axes. Raises InexpressibleError where it isn't known."""
        dims = self.dims(index)
        if dims is None:
            raise InexpressibleError(f"the number of axes of '{self.input(index)}' isn't known")
        return len(dims)

    def dtype(self, index: int = 0) -> np.dtype[Any]:
        """An input's dtype. Raises InexpressibleError where it isn't known."""
        kind = self.scope.type_of(self.input(index))
        if kind is None or not kind.tensor_type.elem_type:
            raise InexpressibleError(f"the dtype of '{self.input(index)}' isn't known")
        return np.dtype(helper.tensor_dtype_to_np_dtype(kind.tensor_type.elem_type))

    def value(self, value: Any, dtype: Any = None) -> str:
        """A new constant."""
        return self._add("Constant", [], {"value": numpy_helper.from_array(np.asarray(value, dtype))})

    def ints(self, *values: int) -> str:
        """A new constant list of int64."""
        return self.value(list(values), np.int64)

    def cast(self, x: str, dtype: Any, outs: Sequence[str] | None = None) -> str:
        """x in another dtype."""
        return self._add("Cast", [x], {"to": helper.np_dtype_to_tensor_dtype(np.dtype(dtype))}, outs)

    def op(self, kind: str, *inputs: str, outs: Sequence[str] | None = None, **attributes: Any) -> str:
        """A new node; its first output is returned. ``outs`` names its outputs, by default it has a new one."""
        return self._add(kind, inputs, attributes, outs)

    def give(self, kind: str, *inputs: str, **attributes: Any) -> None:
        """A new node that gives the outputs of the old one."""
        self._add(kind, inputs, attributes, self.node.output)

    def keep(
        self,
        kind: str = "",
        inputs: Sequence[str] | None = None,
        drop: Sequence[str] = (),
        outputs: Sequence[str] | None = None,
        **attributes: Any,
    ) -> None:
        """The node itself with other inputs or attributes; those in ``drop`` go."""
        kept = onnx.NodeProto()
        kept.CopyFrom(self.node)
        kept.op_type = kind or kept.op_type
        if inputs is not None:
            del kept.input[:]
            kept.input.extend(trimmed(inputs))
        if outputs is not None:
            del kept.output[:]
            kept.output.extend(trimmed(outputs))
        stay = [a for a in kept.attribute if a.name not in {*drop, *attributes}]
        given = {name: value for name, value in attributes.items() if value not in (None, [], ())}
        new = [helper.make_attribute(name, value) for name, value in given.items()]
        copies = [onnx.AttributeProto.FromString(a.SerializeToString()) for a in (*stay, *new)]
        del kept.attribute[:]
        kept.attribute.extend(copies)
        self.emitted.append(kept)

    def with_axes(
        self, kind: str, x: str, axes: Sequence[int], outs: Sequence[str] | None = None, **attributes: Any
    ) -> str:
        """Squeeze, Unsqueeze or a reduction: their axes are an attribute or an input."""
        if self.opset < _AXES_ARE_AN_INPUT.get(kind, _OTHER_REDUCTIONS):
            inputs, attributes = [x], {**attributes, "axes": list(axes)}
        else:
            inputs = [x, self.ints(*axes)]
        return self._add(kind, inputs, attributes, outs)

    def part(self, x: str, axis: int, start: int, end: int) -> str:
        """x[start:end] along an axis."""
        bounds = ([start], [end], [axis])
        if self.opset < 10:
            return self._add("Slice", [x], dict(zip(("starts", "ends", "axes"), bounds, strict=True)))
        return self._add("Slice", [x, *(self.ints(*bound) for bound in bounds)], {})

    def new(self, what: str) -> str:
        """A name for a new value."""
        return self.names.free(f"{_base(self.node)}/{what}")

    def _add(
        self, kind: str, inputs: Sequence[str], attributes: dict[str, Any], outputs: Sequence[str] | None = None
    ) -> str:
        if schema_at(kind, self.opset) is None:
            raise InexpressibleError(f"{kind}, which would take its place, isn't there either")
        outputs = [self.new(kind)] if outputs is None else list(outputs)
        node = helper.make_node(kind, trimmed(inputs), outputs, name=self.new(kind))
        given = {name: value for name, value in attributes.items() if value not in (None, [], ())}
        node.attribute.extend(helper.make_attribute(name, value) for name, value in given.items())
        self.emitted.append(node)
        return outputs[0]


def trimmed(names: Sequence[str]) -> list[str]:
    """Names without the empty ones at the end."""
    kept = list(names)
    while kept and not kept[-1]:
        kept.pop()
    return kept


def _base(node: onnx.NodeProto) -> str:
    return node.name or next(name for name in node.output if name)


def _text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value
