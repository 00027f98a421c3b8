"""The defaults of ``convert`` and ``validate`` in a config file: the command line wins over them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...convert.targets import TARGETS
from ...validate.detect import detect, normalise
from ...validate.engines.registry import Format
from ...validate.errors import ParityGateError
from ...validate.expectations.config import find_config, read_tables

_EXCLUDING = {"policy": ("rtol", "atol"), "rtol": ("policy",), "atol": ("policy",)}
"""An option that is typed -> those of the file that can't stand beside it."""


def convert_defaults(typed: Mapping[str, Any], source: str, output: Path) -> dict[str, Any]:
    """The keywords that the config file adds to those typed for ``convert``.

    Raises ParityGateError PG201, PG202 and PG221 for the file, PG222 for what it may not decide by itself.
    """
    to = typed.get("to")
    targets = [target for target in TARGETS if (target.name == to if to else output.suffix in target.suffixes)]
    return _defaults("convert", typed, source, targets[0].format if targets else None)


def validate_defaults(typed: Mapping[str, Any], reference: str, candidate: str) -> dict[str, Any]:
    """The same for ``validate``."""
    try:
        format = detect(normalise(candidate))
    except (ParityGateError, OSError):
        format = None  # whoever opens it says what is wrong with it
    return _defaults("validate", typed, reference, format)


def _defaults(command: str, typed: Mapping[str, Any], source: str, candidate: Format | None) -> dict[str, Any]:
    path = find_config(typed.get("config"))
    tables = {} if path is None else read_tables(path)
    if path is None or not {"defaults", command} & tables.keys():
        return {}
    from .chosen import given, keywords_of
    from .file import parse_settings
    from .permissions import check_defaults
    from .scopes import for_candidate, for_source

    settings = parse_settings(tables, str(path))
    found = given(settings.defaults, getattr(settings, command))
    excluded = {name for option in typed for name in (option, *_EXCLUDING.get(option, ()))}
    found = {name: value for name, value in for_source(found, source).items() if name not in excluded}
    if candidate is not None:
        found = for_candidate(found, candidate)
    check_defaults(found, typed, path.parent, str(path))
    return keywords_of(found, path.parent)
