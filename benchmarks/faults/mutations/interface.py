"""Faults in a model's interface: outputs that are swapped, lost, permuted, of a different dtype; a fixed batch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ..graphs import Mutant, Mutation, copied, on_nodes, set_attribute, shuffled, slots


def _renamed(graph: onnx.GraphProto, old: str, new: str) -> None:
    """Rename a value of the main graph, for all nodes of this graph that read it."""
    for node in graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]


def _append_to_output(model: onnx.ModelProto, name: str, *made: onnx.NodeProto) -> None:
    """Append nodes that read ``NAME__inner`` and write ``name``."""
    _renamed(model.graph, name, f"{name}__inner")
    model.graph.node.extend(made)


def _two_alike(model: onnx.ModelProto) -> list[tuple[int, int]]:
    """Pairs of outputs with the same dtype and rank: a program that confuses them would still run."""
    types = [(v.type.tensor_type.elem_type, len(v.type.tensor_type.shape.dim)) for v in model.graph.output]
    count = len(types)
    return [(a, b) for a in range(count) for b in range(a + 1, count) if types[a] == types[b]]


def outputs_swapped(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Swap the names of two outputs."""
    for first, second in shuffled(_two_alike(model), rng):
        copy = copied(model)
        a, b = copy.graph.output[first], copy.graph.output[second]
        names = a.name, b.name
        for old, new in ((names[0], "__a"), (names[1], names[0]), ("__a", names[1])):
            _renamed(copy.graph, old, new)
        kinds = onnx.TypeProto(), onnx.TypeProto()
        kinds[0].CopyFrom(b.type)
        kinds[1].CopyFrom(a.type)
        a.type.CopyFrom(kinds[0])
        b.type.CopyFrom(kinds[1])
        yield Mutant(copy, f"outputs {names[0]}, {names[1]}", "values swapped")


def output_missing(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Remove one of several outputs."""
    count = len(model.graph.output)
    for number in shuffled(range(count) if count > 1 else (), rng):
        copy = copied(model)
        name = copy.graph.output[number].name
        del copy.graph.output[number]
        yield Mutant(copy, f"output {name}", "removed")


def _score_outputs(model: onnx.ModelProto) -> list[str]:
    """Floating outputs with two axes and more than one column, where each column is a class."""
    found = []
    for value in model.graph.output:
        kind = value.type.tensor_type
        dims = kind.shape.dim
        if kind.elem_type in (TensorProto.FLOAT, TensorProto.DOUBLE) and len(dims) == 2 and dims[1].dim_value != 1:
            found.append(value.name)
    return found


def classes_permuted(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Reverse the columns of scores."""
    for name in shuffled(_score_outputs(model), rng):
        copy = copied(model)
        ends = [np.array([value], np.int64) for value in (-1, np.iinfo(np.int64).min + 1, 1, -1)]
        names = [f"{name}__{part}" for part in ("starts", "ends", "axes", "steps")]
        copy.graph.initializer.extend(map(numpy_helper.from_array, ends, names))
        _append_to_output(copy, name, helper.make_node("Slice", [f"{name}__inner", *names], [name]))
        yield Mutant(copy, f"output {name}", "columns reversed")


def labels_permuted(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Shift a classifier's class names by one position."""

    def edit(_: onnx.ModelProto, node: onnx.NodeProto) -> str:
        lists = {entry.name: list(entry.ints or entry.strings) for entry in node.attribute}
        named = [name for name in lists if name.startswith(("classlabels", "classes_")) and len(lists[name]) > 1]
        for name in named:
            set_attribute(node, name, lists[name][1:] + lists[name][:1])
        return f"{', '.join(named)} rolled by one" if named else ""

    return on_nodes(model, rng, {"TreeEnsembleClassifier", "LinearClassifier", "SVMClassifier", "ZipMap"}, edit)


def output_dtype(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Output float32 as float64, int64 as int32."""
    for number in shuffled(range(len(model.graph.output)), rng):
        copy = copied(model)
        value = copy.graph.output[number]
        kinds = {TensorProto.FLOAT: TensorProto.DOUBLE, TensorProto.INT64: TensorProto.INT32}
        old = value.type.tensor_type.elem_type
        if old not in kinds:
            continue
        value.type.tensor_type.elem_type = kinds[old]
        _append_to_output(
            copy, value.name, helper.make_node("Cast", [f"{value.name}__inner"], [value.name], to=kinds[old])
        )
        yield Mutant(copy, f"output {value.name}", f"{TensorProto.DataType.Name(kinds[old])} instead")


def output_float16(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Round an output to float16, and output it as float32."""
    for number in shuffled(range(len(model.graph.output)), rng):
        copy = copied(model)
        name = copy.graph.output[number].name
        if copy.graph.output[number].type.tensor_type.elem_type != TensorProto.FLOAT:
            continue
        narrow = helper.make_node("Cast", [f"{name}__inner"], [f"{name}__half"], to=TensorProto.FLOAT16)
        wide = helper.make_node("Cast", [f"{name}__half"], [name], to=TensorProto.FLOAT)
        _append_to_output(copy, name, narrow, wide)
        yield Mutant(copy, f"output {name}", "through float16")


def frozen_input(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Fix the batch of an input to one row."""
    for number in shuffled(range(len(model.graph.input)), rng):
        copy = copied(model)
        dims = copy.graph.input[number].type.tensor_type.shape.dim
        if not dims or dims[0].dim_value:
            continue
        dims[0].dim_value = 1
        yield Mutant(copy, f"input {copy.graph.input[number].name}", "batch fixed to 1")


def frozen_reshape(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Fix the batch in a Reshape, as a trace does: the rows of other batches are mixed."""
    numbers = [
        number
        for number, slot in enumerate(slots(model))
        if ("Reshape", 1) in slot.users and slot.read().dtype == np.int64 and slot.read().size > 1
    ]
    for number in shuffled(numbers, rng):
        copy = copied(model)
        slot = slots(copy)[number]
        shape = slot.read()
        before = shape.tolist()
        free = np.flatnonzero(shape[1:] > 0)
        if shape[0] not in (-1, 0) or not free.size or (shape[1:] == -1).any():
            continue
        shape[0], shape[1 + free[0]] = 1, -1
        slot.write(shape)
        yield Mutant(copy, slot.name, f"shape {before} -> {shape.tolist()}")


def first_row_for_all(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Output the first row's result for every row of a batch."""
    for number in shuffled(range(len(model.graph.output)), rng):
        copy = copied(model)
        value = copy.graph.output[number]
        if not value.type.tensor_type.shape.dim:
            continue
        name = value.name
        zero, one = f"{name}__zero", f"{name}__one"
        copy.graph.initializer.append(numpy_helper.from_array(np.array([0], np.int64), zero))
        copy.graph.initializer.append(numpy_helper.from_array(np.array([1], np.int64), one))
        _append_to_output(
            copy,
            name,
            helper.make_node("Slice", [f"{name}__inner", zero, one, zero], [f"{name}__row"]),
            helper.make_node("Shape", [f"{name}__inner"], [f"{name}__shape"]),
            helper.make_node("Expand", [f"{name}__row", f"{name}__shape"], [name]),
        )
        yield Mutant(copy, f"output {name}", "first row for all")


def constant_output(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Replace all values by NaN, which passes a test of the form ``difference > bound``."""
    for name in shuffled(
        [v.name for v in model.graph.output if v.type.tensor_type.elem_type == TensorProto.FLOAT], rng
    ):
        copy = copied(model)
        copy.graph.initializer.append(numpy_helper.from_array(np.float32(np.nan), f"{name}__nan"))
        _append_to_output(copy, name, helper.make_node("Mul", [f"{name}__inner", f"{name}__nan"], [name]))
        yield Mutant(copy, f"output {name}", "all NaN")


TABLE: dict[str, Mutation] = {
    "outputs swapped": outputs_swapped,
    "output missing": output_missing,
    "classes permuted": classes_permuted,
    "labels permuted": labels_permuted,
    "output of another dtype": output_dtype,
    "output through float16": output_float16,
    "batch frozen (input)": frozen_input,
    "batch frozen (Reshape)": frozen_reshape,
    "first row for the whole batch": first_row_for_all,
    "NaN for an output": constant_output,
}
