"""Checks in addition to the values: constant outputs, and files that declare their outputs wrongly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..report.types import Finding, OutputComparison, Severity
from ..signature import STRING, TensorSpec

if TYPE_CHECKING:
    from ..signature import Array

_BLOCK = 1 << 20


def check_declared(specs: Sequence[TensorSpec], outputs: Sequence[Mapping[str, Array]]) -> tuple[Finding, ...]:
    """Where a model's declared outputs contradict what it gave; one finding per output, for the first sample.

    Whoever loads the file allocates by its declarations, so a wrong one is an error even where the values agree.
    A symbolic axis allows any length.
    """
    return tuple(finding for spec in specs if (finding := _check_spec(spec, outputs)))


def check_informative(outputs: Sequence[OutputComparison], fixed: frozenset[str] | None = None) -> tuple[Finding, ...]:
    """What to say of outputs that agree but were the same in every sample.

    A warning where that is the model's own doing: ``fixed`` names the outputs that depend on no input by the models'
    graphs. Labels and other exact values may stay the same while scores move: a warning, too, unless nothing moves.
    Else nothing was tested, which is an error.
    """
    moving = any(output.passed and output.informative for output in outputs)
    return tuple(
        _of_constant(output, proved=output.name in (fixed or ()) or (moving and output.digits is None))
        for output in outputs
        if output.passed and not output.informative
    )


def _of_constant(output: OutputComparison, *, proved: bool) -> Finding:
    where = f"output {output.name}"
    hint = "Give samples of your own with --samples, or wider ranges with --range."
    if proved:
        return Finding(
            "PG110", Severity.WARNING, where, "it is the same in every sample, so agreement proves little", hint
        )
    return Finding("PG315", Severity.ERROR, where, "it is the same in every sample, so agreement proves nothing", hint)


def dtype_name(array: Array) -> str:
    """The dtype as a :class:`.signature.TensorSpec` names it."""
    return STRING if array.dtype.kind == "U" else array.dtype.name


def varies(arrays: Sequence[Array]) -> bool:
    """Whether the values depend on the sample at all, so far as one can see.

    They don't if all samples gave the same array, or all rows (along the first axis) of all samples are equal. A
    single row decides nothing, unless all its elements are equal; then they count as constant.
    """
    filled = [array for array in arrays if array.size]
    if not filled:
        return False
    if len(filled) > 1 and all(_same(array, filled[0]) for array in filled):
        return False
    rows = [array if array.ndim else array[None] for array in filled]
    if sum(map(len, rows)) == 1:
        flat = rows[0].reshape(-1)
        return not _constant([flat]) or (flat.size == 1 and bool(flat[0] != np.zeros_like(flat)[0]))
    return not _constant(rows)


def _constant(arrays: Sequence[Array]) -> bool:
    """Whether all rows of all arrays equal the first; of rows of several shapes, whether all elements do."""
    if len({array.shape[1:] for array in arrays}) > 1:
        arrays = [array.reshape(-1) for array in arrays]
    first = arrays[0][:1]
    step = max(1, _BLOCK // first.size)
    blocks = (array[start : start + step] for array in arrays for start in range(0, len(array), step))
    return all(_same(block, np.broadcast_to(first, block.shape)) for block in blocks)


def _same(left: Array, right: Array) -> bool:
    return np.array_equal(left, right, equal_nan=left.dtype.kind in "fcV")


def _check_spec(spec: TensorSpec, outputs: Sequence[Mapping[str, Array]]) -> Finding | None:
    for number, output in enumerate(outputs):
        fault = _fault(spec, output[spec.name]) if spec.name in output else "has no such output"
        if fault:
            message = f"the candidate declares {spec}, but {fault} in sample {number}"
            hint = "Correct the declaration in the file, or make the axis dynamic."
            return Finding("PG108", Severity.ERROR, f"output {spec.name}", message, hint)
    return None


def _fault(spec: TensorSpec, array: Array) -> str:
    if dtype_name(array) != spec.dtype:
        return f"returns {dtype_name(array)}"
    if spec.shape is None:
        return ""
    fits = len(spec.shape) == array.ndim and all(
        isinstance(dim, str) or dim == length for dim, length in zip(spec.shape, array.shape, strict=True)
    )
    return "" if fits else f"returns the shape {list(array.shape)}"
