"""Faults that few inputs reach: a row of an embedding, the arm of a branch, a row far down a batch.

Where no sample of the benchmark reaches one, it still counts as a fault: an input that does exists by construction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ..graphs import Array, Mutant, Mutation, copied, inserted, on_nodes, on_slots
from .weights import spread

_FEWEST_ROWS = 8
_DEEP_ROW = 200
"""A row beyond the largest batch that most tools try."""


def _in_tables(
    model: onnx.ModelProto, rng: np.random.Generator, edit: Callable[[Array], tuple[Array, str]]
) -> Iterator[Mutant]:
    """One hidden mutant per table that is looked up by number: words, or positions."""

    def of_table(array: Array) -> tuple[Array, str] | None:
        return edit(array) if array.ndim == 2 and len(array) >= _FEWEST_ROWS else None

    found = on_slots(model, rng, lambda slot: slot.is_weight and ("Gather", 0) in slot.users, of_table)
    return (replace(mutant, hidden=True) for mutant in found)


def table_row(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Change one row of a table that is looked up by number: a word's, or a position's."""

    def edit(array: Array) -> tuple[Array, str]:
        row = int(rng.integers(1, len(array)))  # the first one may be padding, which models ignore
        array[row] += array.dtype.type(spread(array))
        return array, f"row {row} of {len(array)} off by one standard deviation"

    return _in_tables(model, rng, edit)


def table_rows_swapped(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Swap two rows of a table that is looked up by number."""

    def edit(array: Array) -> tuple[Array, str]:
        first, second = map(int, rng.choice(np.arange(1, len(array)), 2, replace=False))
        array[[first, second]] = array[[second, first]]
        return array, f"rows {first} and {second} of {len(array)} swapped"

    return _in_tables(model, rng, edit)


def arm(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Scale one arm of a choice by 1.01."""

    def edit(copy: onnx.ModelProto, node: onnx.NodeProto) -> str:
        at = int(rng.integers(1, 3))
        names = {value.name for value in copy.graph.initializer}
        if node.input[at] in names or node not in copy.graph.node:
            return ""
        factor = numpy_helper.from_array(np.array(1.01, np.float32), f"{node.output[0]}__factor")
        copy.graph.initializer.append(factor)
        scaled = f"{node.output[0]}__scaled"
        number = list(copy.graph.node).index(node)
        copy.graph.node.insert(number, helper.make_node("Mul", [node.input[at], factor.name], [scaled]))
        copy.graph.node[number + 1].input[at] = scaled
        return f"arm {at} times 1.01"

    return on_nodes(model, rng, {"Where"}, edit)


def deep_row(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Scale the rows of an output from number 200 on by 1.01."""
    del rng
    floats = [value for value in model.graph.output if value.type.tensor_type.elem_type == TensorProto.FLOAT]
    for output in floats:
        shape = output.type.tensor_type.shape.dim
        if not shape or shape[0].HasField("dim_value"):
            continue
        copy = copied(model)
        writer = next((node for node in copy.graph.node if output.name in node.output[:1]), None)
        if writer is None:
            continue
        _add_constants(copy, rank=len(shape))
        inserted(copy, writer, _scaled_from_row)
        yield Mutant(copy, f"output {output.name}", f"rows from {_DEEP_ROW} on times 1.01", hidden=True)


def _add_constants(model: onnx.ModelProto, rank: int) -> None:
    column = np.array([-1] + [1] * (rank - 1))
    values = {"zero": np.array(0), "one": np.array(1), "deep": np.array(_DEEP_ROW), "column": column}
    model.graph.initializer.extend(numpy_helper.from_array(value, f"deep__{name}") for name, value in values.items())
    model.graph.initializer.append(numpy_helper.from_array(np.array(1.01, np.float32), "deep__factor"))


def _scaled_from_row(old: str, new: str) -> list[onnx.NodeProto]:
    make = helper.make_node
    names = [f"{new}__{part}" for part in ("shape", "rows", "numbers", "deep", "column", "scaled")]
    shape, rows, numbers, deep, column, scaled = names
    return [
        make("Shape", [old], [shape]),
        make("Gather", [shape, "deep__zero"], [rows]),
        make("Range", ["deep__zero", rows, "deep__one"], [numbers]),
        make("Less", [numbers, "deep__deep"], [deep]),
        make("Reshape", [deep, "deep__column"], [column]),
        make("Mul", [old, "deep__factor"], [scaled]),
        make("Where", [column, old, scaled], [new]),
    ]


TABLE: dict[str, Mutation] = {
    "row of a table off": table_row,
    "rows of a table swapped": table_rows_swapped,
    "arm of a choice scaled": arm,
    "rows beyond 200 scaled": deep_row,
}
