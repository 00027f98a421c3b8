"""Where numbers part, in a few lines."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..sentences import number

if TYPE_CHECKING:
    from ..divergence import Divergence, GraphNode
    from ..types import ReportData

_MOST_NODES = 4


def parting(report: ReportData) -> Iterator[tuple[str, str]]:
    """(head, text): the layer, what is off there, whether it starts there, the operators, and how to run them again."""
    found = report.divergence
    if found is None:
        return
    yield "first divergence", _place(found)
    yield "", _error(found)
    yield "", _origin(found)
    shown = found.nodes[-_MOST_NODES:]
    if len(found.nodes) > len(shown):
        yield "", f"{len(found.nodes) - len(shown)} operators before these:"
    yield from (("", _node(node)) for node in shown)
    if found.repro:
        yield "repro", f"{found.repro}; run it again: {found.command}"


def origin(found: Divergence) -> str:
    """One line: the layer where the values first differ, or that the error comes from before it."""
    layer = f"{found.kind} {found.layer!r}" if found.layer else f"tensor {found.tensor!r}"
    return layer if found.starts_here else f"{layer}, whose inputs already differ"


def _place(found: Divergence) -> str:
    layer = f"{found.kind} {found.layer!r}" if found.layer else "no known layer"
    others = [name for name in found.layers if name != found.layer]
    merged = f" (merged with {', '.join(map(repr, others))})" if others else ""
    by = "an output of both" if found.matched_by == "output" else f"matched by {found.matched_by}"
    return f"{layer}{merged}, {found.tensor!r} in the candidate, {by}"


def _error(found: Divergence) -> str:
    alone = "" if found.row is None else f", row {found.row} alone"
    left_out = math.isnan(found.expected) and math.isnan(found.actual)  # of a redacted report
    values = "" if left_out else f"expected {found.expected:.9g}, got {found.actual:.9g}, "
    off = f"off by {number(found.error)} where rounding explains {number(found.allowed)}"
    return f"{list(found.index)} of sample {found.sample}{alone}: {values}{off}"


def _origin(found: Divergence) -> str:
    alone = f"with the reference's values as inputs the error is {number(found.error_alone)}"
    if found.starts_here:
        before = ", ".join(map(repr, found.agreeing)) or "the model's inputs"
        return f"the error starts here: {alone}; {before} still agree"
    return f"the error comes from earlier operators: those below are correct ({alone} in the part that the repro holds)"


def _node(node: GraphNode) -> str:
    attributes = ", ".join(f"{name}={value}" for name, value in node.attributes.items())
    takes, gives = ", ".join(node.inputs), ", ".join(node.outputs)
    return f"{node.operator}({takes}) -> {gives}" + (f" {{{attributes}}}" if attributes else "")
