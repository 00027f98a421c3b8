"""Counts what samples exercise inside of a candidate's graph, in a run that is made anyway."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from ..engines.base import Graphed, unchanged
from ..errors import ParityGateError
from ..noise.tensors import input_dependent, tensors_of
from ..onnx_graphs import inline_functions
from ..report.coverage import Coverage, CoverageKind, Covered
from .branch_probes import condition_probes, kink_probes, loop_probes
from .conditions import Condition, find_conditions
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

    ``items`` is what was counted; ``uncounted`` says why nothing was. ``conditions`` are those of the graph.
    """

    items: tuple[Covered, ...] = ()
    uncounted: str = "inside of the graph nothing was counted"
    conditions: tuple[Condition, ...] = ()

    @property
    def coverage(self) -> Coverage:
        """What was counted inside of the graph."""
        return Coverage(self.items, uncounted=self.uncounted)

    @property
    def missed(self) -> tuple[Condition, ...]:
        """The conditions of which the samples took one side only."""
        names = {item.name for item in self.coverage.of(CoverageKind.BRANCHES) if item.missing}
        return tuple(condition for condition in self.conditions if condition.name in names)

    def run_plain(self, model: Graphed, run: Run) -> Outputs:
        """The outputs of ``model`` without graph optimisation, on the samples that ``run`` runs a model on.

        Raises what ``run`` and :meth:`.base.Graphed.variant` raise on the model as it is.
        """
        try:
            watched = _Watched(model)
            outputs = run(watched)
        except Exception as error:  # noqa: BLE001  # a count must not cost the verdict; the model's own errors come again
            cause = error.cause if isinstance(error, ParityGateError) else f"{type(error).__name__}: {error}"
            self.uncounted = f"inside of the graph nothing could be counted: {cause}"
            return run(model.variant(unchanged, optimise=False))
        self.uncounted = watched.too_old
        self.items, self.conditions = tuple(_merged(item for _, item in watched.counts())), watched.conditions
        return outputs


class _Watched:
    """A candidate without optimisation that keeps what its probes show, and gives its own outputs alone.

    Ranges of large tensors take time. Those of which every part was reached in the first runs are watched no longer.
    Infinity is on the far side of every comparison and tests nothing of what is computed there: it doesn't count.
    """

    def __init__(self, model: Any) -> None:
        self.signature = model.signature
        self.too_old = ""
        self.conditions: tuple[Condition, ...] = ()
        self._model, self._probes = model, tuple[Probe, ...]()
        self._done: frozenset[str] = frozenset()
        self._values: dict[str, Array] = {}
        self._runs = 0
        self._variant: Any = model.variant(self._show, optimise=False)

    def run(self, feed: Feed) -> dict[str, Array]:
        """The model's outputs for one feed. Raises what the model raises."""
        shown = self._variant.run(feed)
        self._runs += 1
        if not _is_infinite(feed):
            self._keep(shown)
        if self._runs == _FIRST_RUNS:
            self._watch_less()
        return {name: value for name, value in shown.items() if not name.startswith(PREFIX)}

    def counts(self) -> Iterator[tuple[Probe, Covered]]:
        """What all runs together reached, by probe."""
        for probe in self._probes:
            if all(name in self._values for name in probe.outputs):
                yield probe, probe.count([self._values[name] for name in probe.outputs])

    def _keep(self, shown: Mapping[str, Array]) -> None:
        """Numbers of each run one after the other; flags of all runs together, so that they take no more room."""
        for name in (name for probe in self._probes for name in probe.outputs if name in shown):
            new, known = shown[name].reshape(-1), self._values.get(name)
            if known is None:
                self._values[name] = new
            else:
                self._values[name] = np.maximum(known, new) if new.size > 1 else np.concatenate([known, new])

    def _watch_less(self) -> None:
        done = {probe.outputs[0] for probe, item in self.counts() if probe.costly and item.reached == item.total}
        if done:
            self._done, self._variant = frozenset(done), None  # before the next is opened: each holds the weights
            self._variant = self._model.variant(self._show, optimise=False)

    def _show(self, model: onnx.ModelProto) -> onnx.ModelProto:
        opset = next((each.version for each in model.opset_import if each.domain in ("", "ai.onnx")), 0)
        if opset and opset < _OLDEST_OPSET:
            self.too_old = f"inside of the graph nothing was counted: its opset {opset} is older than {_OLDEST_OPSET}"
            return model
        model = inline_functions(model)
        self.conditions = find_conditions(model)
        self._probes = tuple(find_probes(model, self.conditions))[:_MOST_PROBES]
        for probe in self._probes:
            if probe.outputs[0] not in self._done:
                model.graph.node.extend(probe.nodes)
                model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in probe.outputs)
        return model


_FIRST_RUNS = 2


def infinite(feeds: Sequence[Feed]) -> frozenset[int]:
    """The numbers of the feeds that hold infinity."""
    return frozenset(number for number, feed in enumerate(feeds) if _is_infinite(feed))


def _is_infinite(feed: Feed) -> bool:
    return any(array.dtype.kind == "f" and bool(np.isinf(array).any()) for array in feed.values())


def find_probes(model: onnx.ModelProto, conditions: Sequence[Condition]) -> Iterator[Probe]:
    """What can be counted in a graph with these conditions. The bodies of its loops get one more output, in place."""
    graph, names, tensors = model.graph, Names(), tensors_of(model)
    dependent = input_dependent(graph)
    return chain(
        table_probes(graph, dependent, names),
        slice_probes(graph, tensors.dims, names),
        category_probes(graph, names),
        condition_probes(conditions, names),
        kink_probes(graph, tensors.dtypes, dependent, names),
        loop_probes(graph, names),
    )


def _merged(items: Iterator[Covered]) -> Iterator[Covered]:
    """One item for a table that several operators read: the one that was reached furthest."""
    found: dict[tuple[str, str], Covered] = {}
    for item in items:
        key = item.kind, item.name
        if key not in found or item.reached > found[key].reached:
            found[key] = item
    yield from found.values()
