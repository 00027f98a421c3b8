"""What is true of most schemas: an attribute or an input is added, a default changes, more dtypes are taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .refusal import InexpressibleError
from .rewrite import Rewrite
from .schemas import defaults, schema_at

_MEANT_NOTHING = {"consumed_inputs", "is_test"}
"""Attributes of opsets before 7 that don't change what is computed."""


def plain_up(w: Rewrite, drop: Sequence[str] = (), inputs: Sequence[str] | None = None, **changed: Any) -> None:
    """The node as it is, or with other ``inputs`` or attributes; a default that has changed is written out.

    Raises InexpressibleError for an operator or an attribute that was withdrawn.
    """
    schema = schema_at(w.node.op_type, w.opset)
    if schema.deprecated:
        raise InexpressibleError("the operator was withdrawn")
    gone = {a.name for a in w.node.attribute} - schema.attributes.keys() - _MEANT_NOTHING - {*drop}
    if gone:
        raise InexpressibleError(f"its attribute {', '.join(sorted(gone))} was withdrawn")
    w.keep(inputs=inputs, drop=[*_MEANT_NOTHING, *drop], **_spelled_out(w) | changed)


def plain_down(w: Rewrite, drop: Sequence[str] = (), inputs: Sequence[str] | None = None, **changed: Any) -> None:
    """The node without what is new, where that has no effect; ``inputs`` and ``changed`` take the place of its own.

    Raises InexpressibleError for what has an effect, and for an operator that is new as a whole.
    """
    older = schema_at(w.node.op_type, w.opset)
    if older is None or older.deprecated:
        raise InexpressibleError(f"the operator is there from opset {w.before} on")
    new = {a.name for a in w.node.attribute} - older.attributes.keys() - {*drop}
    for name in sorted(new):
        if w.attribute(name) != defaults(w.node.op_type, w.before).get(name):
            raise InexpressibleError(f"{name}={w.attribute(name)!r} is there from opset {w.before} on")
    inputs = list(w.node.input) if inputs is None else inputs
    for index, name in enumerate(inputs[older.max_input :], older.max_input):
        if name:
            raise InexpressibleError(f"its input {index + 1} ('{name}') is there from opset {w.before} on")
    w.keep(inputs=inputs[: older.max_input], drop=[*new, *drop], **_spelled_out(w) | changed)


def _spelled_out(w: Rewrite) -> dict[str, Any]:
    """The attributes that the node leaves to a default which isn't the same at the other opset."""
    at_start, at_end = defaults(w.node.op_type, w.before), defaults(w.node.op_type, w.opset)
    given = {a.name for a in w.node.attribute}
    known = schema_at(w.node.op_type, w.opset).attributes
    return {
        name: value
        for name, value in at_start.items()
        if name in known and name not in given and at_end.get(name) != value
    }
