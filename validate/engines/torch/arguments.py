"""Arguments of a forward that are containers: declared by the places of their parts, ``a.0``, ``cfg.scale``.

A name's first part is the argument; numbers are places in a tuple or list, everything else is a key or a field.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import ParityGateError

Part = Callable[[str], "Form"]


@dataclass(frozen=True, slots=True)
class Form:
    """What an argument is: ``make`` builds it from a list or dictionary of its parts, ``part`` is the form of one."""

    make: Callable[[Any], Any]
    part: Part


def plain_form(sequence: type = tuple) -> Form:
    """For an argument about which nothing is said: ``sequence`` for places, a dictionary for keys."""
    return Form(
        lambda parts: sequence(parts) if isinstance(parts, list) else dict(parts), lambda _: plain_form(sequence)
    )


def annotated_form(annotation: Any, sequence: type = tuple) -> Form:
    """By an annotation of Python's: lists, tuples, dictionaries, dataclasses and named tuples, alone or optional."""
    origin, inner = typing.get_origin(annotation) or annotation, typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        members = [each for each in inner if each is not type(None)]
        return annotated_form(members[0], sequence) if len(members) == 1 else plain_form(sequence)
    if not isinstance(origin, type):
        return plain_form(sequence)
    if dataclasses.is_dataclass(origin) or hasattr(origin, "_fields"):
        hints = _hints(origin)
        return Form(lambda parts: _fields(origin, parts), lambda name: annotated_form(hints.get(name), sequence))
    kind = next((kind for kind in (list, tuple) if issubclass(origin, kind)), sequence)
    return Form(plain_form(kind).make, lambda key: annotated_form(_inner(origin, inner, key), sequence))


def _fields(kind: Any, parts: Any) -> Any:
    return kind(*parts) if isinstance(parts, list) else kind(**parts)


def _inner(origin: Any, inner: tuple[Any, ...], key: str) -> Any:
    """The annotation of one part: of a tuple the one at its place, of a list or dictionary that of all."""
    if origin is tuple and ... not in inner and key.isdigit():
        return inner[int(key)] if int(key) < len(inner) else None
    return next((each for each in reversed(inner) if each is not ...), None)


def argument_forms(forward: Callable[..., Any], sequence: type = tuple) -> Callable[[str], Form]:
    """The form of each argument of a function, by its annotations."""
    hints = _hints(forward)
    return lambda name: annotated_form(hints.get(name), sequence)


def _hints(annotated: Any) -> Mapping[str, Any]:
    try:
        return typing.get_type_hints(annotated)
    except Exception:  # noqa: BLE001  # annotations as text may name anything; without them the forms are guessed
        return {}


def nested(
    subject: str, flat: Mapping[str, Any], arguments: Iterable[str], form: Callable[[str], Form]
) -> dict[str, Any]:
    """The values of arguments from those of their parts. Raises PG201 for parts that don't make a whole.

    ``flat`` maps names such as ``a.0`` to values; ``arguments`` are the names of the forward's own.
    """
    known, trees = set(arguments), dict[str, Any]()
    for name, value in flat.items():
        head, *path = [name] if name in known else name.split(".")
        _put(subject, trees, (head, *path), name, value)
    return {name: _built(f"{subject}, argument {name}", tree, form(name)) for name, tree in trees.items()}


class _Branch(dict[str, Any]):
    """The parts of a container, by key; nothing else is taken apart."""


def _put(subject: str, tree: dict[str, Any], path: tuple[str, ...], name: str, value: Any) -> None:
    *inner, last = path
    for key in inner:
        tree = tree.setdefault(key, _Branch())
        if not isinstance(tree, _Branch):
            raise ParityGateError(
                "PG201", f"--input {name}", f"'{key}' itself is declared as well", "Give one of them."
            )
    if last in tree:
        raise ParityGateError("PG201", f"--input {name}", f"{subject} gets it twice", "Give it once.")
    tree[last] = value


def _built(subject: str, tree: Any, form: Form) -> Any:
    if not isinstance(tree, _Branch):
        return tree
    parts = {key: _built(subject, part, form.part(key)) for key, part in tree.items()}
    try:
        return form.make(_in_order(subject, parts) if all(map(str.isdigit, parts)) else parts)
    except (TypeError, ValueError) as error:  # of the user's own class
        raise ParityGateError("PG201", subject, f"it can't be made of {', '.join(parts)}: {error}") from error


def _in_order(subject: str, parts: Mapping[str, Any]) -> list[Any]:
    missing = next((number for number in range(len(parts)) if str(number) not in parts), None)
    if missing is not None:
        name = subject.rpartition(" ")[2]
        raise ParityGateError(
            "PG201", subject, f"place {missing} of it is not declared",
            f"Declare it, or say that there is nothing: --input {name}.{missing}=None.",
        )  # fmt: skip
    return [parts[str(number)] for number in range(len(parts))]
