"""The nodes of a ``GraphDef``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def all_nodes(graph_def: Any) -> list[Any]:
    """The nodes of the graph and of its functions."""
    return [*graph_def.node, *(node for function in graph_def.library.function for node in function.node_def)]


def drop_nodes(nodes: Any, unwanted: Callable[[Any], bool]) -> None:
    """Remove nodes from a graph's or function's list in place, and the inputs of other nodes that refer to them."""
    dropped = {node.name for node in nodes if unwanted(node)}
    kept = [node for node in nodes if node.name not in dropped]
    for node in kept:
        node.input[:] = [name for name in node.input if name.removeprefix("^") not in dropped]
    del nodes[:]
    nodes.extend(kept)
