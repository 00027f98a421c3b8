"""The blobs of two networks; a condition selects one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import ParityGateError
from ..graph import Graph, Shape, Tensor

SKIPPING, BROKEN = "/skipping", "/broken"
"""Flags among the blobs of a loop iteration: skip the rest of the iteration; end the loop after it."""


@dataclass(frozen=True, slots=True)
class Network:
    """Layers, and the function that lowers them to the blobs that they define or replace."""

    layers: Sequence[Any]
    lower: Callable[[Graph], dict[str, Tensor]]

    @property
    def names(self) -> frozenset[str]:
        """Every blob that a layer in it defines or replaces."""
        return frozenset(_outputs(self.layers))


def _outputs(layers: Sequence[Any]) -> Iterator[str]:
    for layer in layers:
        yield from layer.output
        branch, loop = layer.branch, layer.loop
        for nested in (branch.ifBranch, branch.elseBranch, loop.conditionNetwork, loop.bodyNetwork):
            yield from _outputs(nested.layers)


def select(
    g: Graph, condition: Tensor, chosen: Network, other: Network, blobs: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The blobs of one of two networks. A blob that only one of them defines keeps its value in the other.

    If it has no value before, later layers can't rely on it, and it is omitted. A network that can't be lowered is an
    error only when it is selected: coremltools writes branches for cases that never occur.
    """
    networks, graphs = (chosen, other), (g.subgraph(), g.subgraph())
    results = [_attempt(network, graph) for network, graph in zip(networks, graphs, strict=True)]
    given = [r for r in results if isinstance(r, dict)]
    if not given:
        raise next(r for r in results if not isinstance(r, dict))
    candidates = dict.fromkeys(n for r, network in zip(results, networks, strict=True) for n in _names(r, network))
    names = [name for name in candidates if all(name in r or name in blobs for r in given)]
    if not names:
        return {}
    values = [[r.get(name) or blobs[name] for name in names] for r in given]
    rows = iter(values)
    for graph, result in zip(graphs, results, strict=True):
        for value in next(rows) if isinstance(result, dict) else _failing(graph, condition, result, values[0]):
            graph.output(value)
    types = [(a.dtype, common_shape(a.shape, b.shape)) for a, b in zip(values[0], values[-1], strict=True)]
    outcome = g.ops(
        "If", condition, outputs=len(names), types=types, then_branch=graphs[0], else_branch=graphs[1]
    )  # fmt: skip
    return dict(zip(names, outcome, strict=True))


def _names(result: dict[str, Tensor] | ParityGateError, network: Network) -> Iterable[str]:
    return result if isinstance(result, dict) else sorted(network.names)


def _attempt(network: Network, g: Graph) -> dict[str, Tensor] | ParityGateError:
    try:
        return network.lower(g)
    except ParityGateError as e:
        return e


def _failing(g: Graph, condition: Tensor, error: ParityGateError, like: Sequence[Tensor]) -> list[Tensor]:
    """Tensors that can't be computed: an index out of bounds, in a node whose name contains the reason."""
    with g.scope(f"{error.subject}: {error.cause}"):
        behind = g.op("Add", g.cast(condition, "int64"), g.const(1, "int64"))
        return [g.op("Gather", g.const(np.zeros(1, v.dtype)), behind) for v in like]


def common_shape(a: Shape | None, b: Shape | None) -> Shape | None:
    """What is known of the shape of a tensor that has one of two shapes."""
    if a is None or b is None or len(a) != len(b):
        return None
    return tuple(m if m == n else None for m, n in zip(a, b, strict=True))
