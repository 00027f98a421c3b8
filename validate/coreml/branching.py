"""The blobs of two networks, of which a condition chooses one."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .graph import Graph, Shape, Value

SKIPPING, BROKEN = "/skipping", "/broken"
"""Flags among the blobs of a loop's pass: the rest of the pass is skipped; the loop ends with it."""

Network = Callable[[Graph], dict[str, Value]]
"""Lowers a network into a graph; gives the blobs that it defines or replaces."""


def select(
    g: Graph,
    condition: Value,
    chosen: Network,
    other: Network,
    blobs: Mapping[str, Value],
) -> dict[str, Value]:
    """The blobs that one of two networks gives. One that only one of them gives keeps its value in the other.

    Where it has no value before, nothing after can rely on it, and it is left out.
    """
    graphs = (g.subgraph(), g.subgraph())
    results = [lower(graph) for lower, graph in zip((chosen, other), graphs, strict=True)]
    names = [name for name in {**results[0], **results[1]} if all(name in r or name in blobs for r in results)]
    if not names:
        return {}
    values = [[r.get(name) or blobs[name] for name in names] for r in results]
    for graph, row in zip(graphs, values, strict=True):
        for value in row:
            graph.output(value)
    types = [(a.dtype, common_shape(a.shape, b.shape)) for a, b in zip(*values, strict=True)]
    outcome = g.ops(
        "If", condition, outputs=len(names), types=types, then_branch=graphs[0], else_branch=graphs[1]
    )  # fmt: skip
    return dict(zip(names, outcome, strict=True))


def common_shape(a: Shape | None, b: Shape | None) -> Shape | None:
    """What is known of the shape of a value that has either of two."""
    if a is None or b is None or len(a) != len(b):
        return None
    return tuple(m if m == n else None for m, n in zip(a, b, strict=True))
