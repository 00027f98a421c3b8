"""How what click has read becomes the keywords that the library takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

Text = TypeVar("Text")
Value = TypeVar("Value")


def parsed(parse: Callable[[Text], Value]) -> Callable[[click.Context, click.Parameter, Text | None], Value | None]:
    """A callback of click's that parses what was given, and leaves None where nothing was."""

    def callback(context: click.Context, parameter: click.Parameter, given: Text | None) -> Value | None:
        return None if given in (None, ()) else parse(given)

    return callback


def chosen(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given: all others keep the defaults of their groups."""
    return {name: value for name, value in parameters.items() if value is not None and value != ()}
