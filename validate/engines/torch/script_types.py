"""What TorchScript's types say about the containers among a forward's arguments."""

from __future__ import annotations

from typing import Any

from .arguments import Form, plain_form


def script_form(kind: Any) -> Form:
    """The form of an argument by its TorchScript type."""
    if kind.kind() == "OptionalType":
        return script_form(kind.getElementType())
    if kind.kind() == "TupleType":
        parts = kind.elements()
        return Form(_tuple, lambda key: script_form(parts[int(key)]) if _has(parts, key) else plain_form())
    if kind.kind() == "ListType":
        return Form(plain_form(list).make, lambda _: script_form(kind.getElementType()))
    if kind.kind() == "DictType":
        return Form(plain_form().make, lambda _: script_form(kind.getValueType()))
    return plain_form()


def _tuple(parts: Any) -> Any:
    """A tuple; a named one is taken as a plain tuple in the order in which its fields are given."""
    return tuple(parts if isinstance(parts, list) else parts.values())


def _has(parts: Any, key: str) -> bool:
    return key.isdigit() and int(key) < len(parts)
