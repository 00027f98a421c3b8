"""Counts what samples exercise inside of a candidate's graph, in a run that is made anyway."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from ..engines.base import Graphed, unchanged
from ..errors import ParityGateError
from ..noise.tensors import input_dependent, tensors_of
from ..onnx_graphs import inline_functions
from ..report.coverage import Coverage, Covered
from .branch_probes import condition_probes, kink_probes, loop_probes
from .conditions import find_conditions
from .probes import PREFIX, Names, Probe
from .table_probes import category_probes, slice_probes, table_probes

if TYPE_CHECKING:
    from ..signature import Array, Feed

    Outputs = list[dict[str, Array]]
    Run = Callable[[Any], Outputs]

_OLDEST_OPSET = 11
"""ScatterElements, and Pad with the widths as an input, begin here."""

_MOST_PROBES = 2000


@dataclass(slots=True)
class GraphCounter:
    """Runs a candidate with a few small outputs more, and keeps what they show.

    ``skipped`` are the numbers of samples that don't count: infinity is on the far side of every comparison, and tests
    nothing of what is computed there. ``items`` is what was counted; ``uncounted`` says why nothing was.
    """

    skipped: frozenset[int] = frozenset()

    items: tuple[Covered, ...] = ()
    uncounted: str = "inside of the graph nothing was counted"
    _probes: tuple[Probe, ...] = field(default=())
    _too_old: str = ""

    @property
    def coverage(self) -> Coverage:
        """What was counted inside of the graph."""
        return Coverage(self.items, uncounted=self.uncounted)

    def run_plain(self, model: Graphed, run: Run) -> Outputs:
        """The outputs of ``model`` without graph optimisation, on the samples that ``run`` runs a model on.

        Raises what ``run`` and :meth:`.base.Graphed.variant` raise on the model as it is.
        """
        try:
            shown = run(model.variant(self._show, optimise=False))
        except ParityGateError as error:
            self.uncounted = f"inside of the graph nothing could be counted: {error.cause}"
            return run(model.variant(unchanged, optimise=False))
        self.uncounted = self._too_old
        self.items = tuple(_merged(self._counts(shown)))
        return [{name: value for name, value in output.items() if not name.startswith(PREFIX)} for output in shown]

    def _show(self, model: onnx.ModelProto) -> onnx.ModelProto:
        opset = next((each.version for each in model.opset_import if each.domain in ("", "ai.onnx")), 0)
        if opset and opset < _OLDEST_OPSET:
            self._too_old = f"inside of the graph nothing was counted: its opset {opset} is older than {_OLDEST_OPSET}"
            return model
        model = inline_functions(model)
        self._probes = tuple(find_probes(model))[:_MOST_PROBES]
        for probe in self._probes:
            model.graph.node.extend(probe.nodes)
            model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in probe.outputs)
        return model

    def _counts(self, shown: Outputs) -> Iterator[Covered]:
        counted = [output for number, output in enumerate(shown) if number not in self.skipped] or shown
        for probe in self._probes:
            values = [_stacked([output[name] for output in counted]) for name in probe.outputs]
            yield probe.count(values)


def infinite(feeds: Sequence[Feed]) -> frozenset[int]:
    """The numbers of the feeds that hold infinity."""
    return frozenset(
        number
        for number, feed in enumerate(feeds)
        if any(array.dtype.kind == "f" and bool(np.isinf(array).any()) for array in feed.values())
    )


def find_probes(model: onnx.ModelProto) -> Iterator[Probe]:
    """What can be counted in a graph. The bodies of its loops get one more output, in place."""
    graph, names, tensors = model.graph, Names(), tensors_of(model)
    dependent = input_dependent(graph)
    return chain(
        table_probes(graph, dependent, names),
        slice_probes(graph, tensors.dims, names),
        category_probes(graph, names),
        condition_probes(find_conditions(model), names),
        kink_probes(graph, tensors.dtypes, dependent, names),
        loop_probes(graph, names),
    )


def _stacked(values: Sequence[Array]) -> Array:
    """The values of all runs in one line; a sample whose rows ran one by one holds several runs."""
    return np.concatenate([value.reshape(-1) for value in values])


def _merged(items: Iterator[Covered]) -> Iterator[Covered]:
    """One item for a table that several operators read: the one that was reached furthest."""
    found: dict[tuple[str, str], Covered] = {}
    for item in items:
        key = item.kind, item.name
        if key not in found or item.reached > found[key].reached:
            found[key] = item
    yield from found.values()
