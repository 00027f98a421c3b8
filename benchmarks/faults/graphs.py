"""Access to an ONNX model: its nodes at any depth, and every array of numbers in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import onnx
from onnx import numpy_helper

from paritygate.validate.onnx_graphs import all_graphs

Array = np.ndarray[Any, Any]
T = TypeVar("T")

ARITHMETIC = {
    "Add", "Sub", "Mul", "Div", "MatMul", "Gemm", "Einsum", "Conv", "ConvTranspose", "LSTM", "GRU", "RNN", "Gather",
    "BatchNormalization", "LayerNormalization", "InstanceNormalization", "GroupNormalization",
    "SimplifiedLayerNormalization", "RMSNormalization", "PRelu", "Attention", "EmbedLayerNormalization",
}  # fmt: skip
"""Operators whose constant operands are weights: a change of one changes values, not a shape.

Pow is not among them: a negative number to a perturbed exponent is NaN.
"""

COEFFICIENTS = {
    "coefficients", "intercepts", "scale", "offset", "target_weights", "class_weights", "base_values", "rho",
    "support_vectors", "leaf_weights", "prob_a", "prob_b",
}  # fmt: skip
"""Attributes of ai.onnx.ml that are weights. Thresholds are not among them: they are only compared with."""


@dataclass(frozen=True)
class Mutant:
    """A changed copy of a model. ``place`` is the node or tensor, ``change`` describes what was changed.

    ``hidden`` faults are some by their construction, although perhaps no sample of the benchmark shows them.
    """

    model: Any
    place: str
    change: str
    hidden: bool = False


Mutation = Callable[[onnx.ModelProto, np.random.Generator], Iterator[Mutant]]


@dataclass(frozen=True)
class Slot:
    """One array of numbers in a model: an initializer, a Constant's value, or an attribute's numbers.

    ``users`` are (operator, index of the operand) of the nodes that read it; an attribute is read by its own node.
    """

    name: str
    message: onnx.TensorProto | onnx.AttributeProto
    users: tuple[tuple[str, int], ...]

    def read(self) -> Array:
        """A copy of the numbers."""
        if isinstance(self.message, onnx.TensorProto):
            return numpy_helper.to_array(self.message).copy()
        return np.array(self.message.floats, np.float32)

    def write(self, array: Array) -> None:
        """Replace the numbers by others of the same dtype and shape."""
        if isinstance(self.message, onnx.TensorProto):
            self.message.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(array), self.message.name))
        else:
            self.message.floats[:] = array.tolist()

    @property
    def is_weight(self) -> bool:
        """Whether the model computes with it."""
        if isinstance(self.message, onnx.AttributeProto) or self.name.rpartition(".")[2] in COEFFICIENTS:
            return self.name.rpartition(".")[2] in COEFFICIENTS
        floating = self.message.data_type in (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE)
        return floating and any(operator in ARITHMETIC for operator, _ in self.users)


def nodes(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    """Every node at any depth, those of functions included, in the same order in every copy of the model."""
    in_graphs = [node for graph in all_graphs(model.graph) for node in graph.node]
    return in_graphs + [node for function in model.functions for node in function.node]


def slots(model: onnx.ModelProto) -> list[Slot]:
    """Every array of numbers, in the same order in every copy of the model."""
    everything = nodes(model)
    users: dict[str, list[tuple[str, int]]] = {}
    for node in everything:
        for number, name in enumerate(node.input):
            users.setdefault(name, []).append((node.op_type, number))
    found = [
        Slot(tensor.name, tensor, tuple(users.get(tensor.name, ())))
        for graph in all_graphs(model.graph)
        for tensor in graph.initializer
    ]
    for node in everything:
        found += _attribute_slots(node, users)
    return found


def _attribute_slots(node: onnx.NodeProto, users: dict[str, list[tuple[str, int]]]) -> Iterator[Slot]:
    for entry in node.attribute:
        if entry.type == onnx.AttributeProto.TENSOR and node.op_type == "Constant":
            yield Slot(node.output[0], entry.t, tuple(users.get(node.output[0], ())))
        elif entry.type == onnx.AttributeProto.TENSOR:
            name = entry.name.removesuffix("_as_tensor")
            yield Slot(f"{place(node)}.{name}", entry.t, ((node.op_type, -1),))
        elif entry.type == onnx.AttributeProto.FLOATS and entry.floats:
            yield Slot(f"{place(node)}.{entry.name}", entry, ((node.op_type, -1),))


def place(node: onnx.NodeProto) -> str:
    """A node's name in results: its operator and its name or first output."""
    return f"{node.op_type} {node.name or (node.output[0] if node.output else '')}"


def attribute(node: onnx.NodeProto, name: str, default: Any = None) -> Any:
    """The value of an attribute, or ``default``."""
    found = next((entry for entry in node.attribute if entry.name == name), None)
    return default if found is None else onnx.helper.get_attribute_value(found)


def set_attribute(node: onnx.NodeProto, name: str, value: Any) -> None:
    """Set an attribute, whether the node had it or not."""
    kept = [entry for entry in node.attribute if entry.name != name]
    del node.attribute[:]
    node.attribute.extend([*kept, onnx.helper.make_attribute(name, value)])


def copied(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy to change, without the shapes of inner values: a mutation may change them."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for graph in all_graphs(copy.graph):
        del graph.value_info[:]
    return copy


def shuffled(places: Sequence[T], rng: np.random.Generator) -> list[T]:
    """The places in random order, so that the first few are an unbiased choice."""
    return [places[number] for number in rng.permutation(len(places))]


def on_nodes(
    model: onnx.ModelProto,
    rng: np.random.Generator,
    operators: set[str],
    edit: Callable[[onnx.ModelProto, onnx.NodeProto], str],
) -> Iterator[Mutant]:
    """One mutant per node of these operators; ``edit`` changes it and returns what it changed, "" for nothing."""
    numbers = [number for number, node in enumerate(nodes(model)) if node.op_type in operators]
    for number in shuffled(numbers, rng):
        copy = copied(model)
        node = nodes(copy)[number]
        named = place(node)
        if change := edit(copy, node):
            yield Mutant(copy, named, change)


def on_slots(
    model: onnx.ModelProto,
    rng: np.random.Generator,
    fits: Callable[[Slot], bool],
    edit: Callable[[Array], tuple[Array, str] | None],
) -> Iterator[Mutant]:
    """One mutant per array that fits; ``edit`` returns its new values and a description, or None if it can't."""
    numbers = [number for number, slot in enumerate(slots(model)) if fits(slot)]
    for number in shuffled(numbers, rng):
        slot = slots(model)[number]
        if (edited := edit(slot.read())) is None:
            continue
        copy = copied(model)
        slots(copy)[number].write(edited[0])
        yield Mutant(copy, slot.name, edited[1])


def constant(model: onnx.ModelProto, name: str) -> Slot | None:
    """The constant with this name, an initializer or a Constant's value; None if there is none."""
    return next((slot for slot in slots(model) if slot.name == name), None)


def inserted(model: onnx.ModelProto, after: onnx.NodeProto, makers: Callable[[str, str], list[onnx.NodeProto]]) -> None:
    """Insert the nodes ``makers(old name, new name)`` after the first output of a node, in place.

    All consumers of the output, and the graph's outputs, then read the last new node's output.
    """
    owner = next(
        graph for graph in all_graphs(model.graph) if any(node is after or node == after for node in graph.node)
    )
    kept = after.output[0]
    number = next(index for index, node in enumerate(owner.node) if node == after)
    owner.node[number].output[0] = f"{kept}__before"
    for offset, node in enumerate(makers(f"{kept}__before", kept)):
        owner.node.insert(number + 1 + offset, node)
