"""Elementwise operators, broadcast as numpy does."""

from __future__ import annotations

from .mil import Var, mb
from .node import Node
from .registry import translates


@translates("Add", since=7)
def add(node: Node, a: Var, b: Var) -> Var:
    """a + b."""
    return mb.add(x=a, y=b)


@translates("Relu")
def relu(node: Node, x: Var) -> Var:
    """max(x, 0)."""
    return mb.relu(x=x)
