"""The rules: what becomes of a node where its operator's schema changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .rewrite import Rewrite

    Rule = Callable[[Rewrite], None]

UP: dict[tuple[str, int], Rule] = {}
"""(operator, the opset whose schema replaces the older one) -> the rule for the step up to it."""

DOWN: dict[tuple[str, int], Rule] = {}
"""(operator, the opset whose schema is left) -> the rule for the step down from it."""


def up(opset: int, *operators: str) -> Callable[[Rule], Rule]:
    """Register a rule for the step from ``opset - 1`` to ``opset``. Raises ValueError for a second one."""
    return _registering(UP, opset, operators)


def down(opset: int, *operators: str) -> Callable[[Rule], Rule]:
    """Register a rule for the step from ``opset`` to ``opset - 1``. Raises ValueError for a second one."""
    return _registering(DOWN, opset, operators)


def _registering(table: dict[tuple[str, int], Rule], opset: int, operators: tuple[str, ...]) -> Callable[[Rule], Rule]:
    def register(rule: Rule) -> Rule:
        for operator in operators:
            if (operator, opset) in table:
                raise ValueError(f"a second rule for {operator} at {opset}")
            table[operator, opset] = rule
        return rule

    return register
