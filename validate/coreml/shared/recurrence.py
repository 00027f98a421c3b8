"""Recurrences over the first axis of a sequence: an ONNX Scan whose body is one time step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..graph import Graph, Tensor

Step = Callable[[Graph, Tensor, Sequence[Tensor]], Sequence[Tensor]]
"""(graph of the body, x at one time step, states before it) -> states after it; the first is also the output."""


def scanned(
    g: Graph, x: Tensor, states: Sequence[Tensor], step: Step, reverse: bool = False
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The first state at every time step, stacked, and all states after the last; axis 0 of ``x`` is the time.

    ``reverse`` runs through the sequence from its end; outputs keep the order of the sequence.
    """
    body = g.subgraph()
    before = [body.input("state", s.dtype, s.shape) for s in states]
    after = step(body, body.input("x", x.dtype, (x.shape or ())[1:]), before)
    for result in (*after, after[0]):
        body.output(result)
    stacked = None if states[0].shape is None else ((x.shape or (None,))[0], *states[0].shape)
    types = [(s.dtype, s.shape) for s in states]
    direction = [int(reverse)]
    *finals, sequence = g.ops(
        "Scan", *states, x, outputs=len(types) + 1, types=[*types, (states[0].dtype, stacked)], body=body,
        num_scan_inputs=1, scan_input_directions=direction, scan_output_directions=direction,
    )  # fmt: skip
    return sequence, tuple(finals)


def backwards(g: Graph, sequence: Tensor) -> Tensor:
    """``sequence`` reversed: Core ML returns the outputs of a reversed sequence in the order of their computation."""
    ends = (g.const([n], "int64") for n in (-1, np.iinfo(np.int64).min, 0, -1))
    return g.op("Slice", sequence, *ends)
