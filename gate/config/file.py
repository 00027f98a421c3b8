"""The config file as :class:`~.settings.Settings`; what is wrong with it is said with its place and a near name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...validate.errors import ParityGateError
from ...validate.expectations.config import FILE, PROJECT, find_config, read_tables, read_waivers

if TYPE_CHECKING:
    from ...validate.report.user_checks import Waiver
    from .settings import Settings

_UNKNOWN = re.compile(r"Object contains unknown field `(?P<key>[^`]*)`")
_PLACE = re.compile(r" - at `(?:key in )?\$(?P<place>.*)`$")


@dataclass(frozen=True, slots=True)
class Config:
    """A config file that was read: ``folder`` is where its paths start."""

    path: Path
    settings: Settings
    waivers: tuple[Waiver, ...] = ()

    @property
    def folder(self) -> Path:
        """The file's own folder."""
        return self.path.parent


def load_config(given: Path | None = None) -> Config:
    """The given file; else paritygate.toml, or pyproject.toml with ``[tool.paritygate]``, in the current folder.

    Raises ParityGateError PG220 without a file, PG221 for a key or value that isn't known, PG201 and PG202 as
    :func:`~paritygate.validate.expectations.config.read_tables` does.
    """
    path = find_config(given)
    if path is None:
        cause = f"there is no {FILE} and no {PROJECT} with [tool.paritygate]"
        raise ParityGateError("PG220", "this folder", cause, "Make a starter with: paritygate init")
    waivers = read_waivers(path)  # first: it says more of what is wrong with one
    return Config(path, parse_settings(read_tables(path), str(path)), waivers)


def parse_settings(tables: Mapping[str, Any], subject: str) -> Settings:
    """The settings in a file's tables. Raises ParityGateError PG221, with the place of the key."""
    import msgspec

    from .settings import Settings

    try:
        return msgspec.convert(tables, Settings)
    except msgspec.ValidationError as error:
        raise _refused(str(error), subject) from error


def _refused(message: str, subject: str) -> ParityGateError:
    """What msgspec says, for people: the key's place as in the file, and the nearest name that there is."""
    found = _PLACE.search(message)
    place = found["place"].removeprefix(".") if found else ""
    unknown = _UNKNOWN.match(message)
    where = f"{subject}, {place}" if place else subject
    if unknown is None:
        return ParityGateError("PG221", where, _lower(_PLACE.sub("", message)), "docs/gate.md lists all keys.")
    key, known = unknown["key"], known_keys(place)
    near = get_close_matches(key, known, 1)
    remedy = f"Did you mean {near[0]}?" if near else f"There may be: {', '.join(known)}."
    return ParityGateError("PG221", where, f"unknown key: {key}", remedy)


def known_keys(place: str) -> tuple[str, ...]:
    """The keys of the table at a place of msgspec's, such as ``model[0].targets[1]``."""
    from . import settings

    tables = {
        "": settings.Settings,
        "gate": settings.GateSettings,
        "defaults": settings.Shared,
        "convert": settings.ConvertSettings,
        "validate": settings.ValidateSettings,
        "model[]": settings.ModelSettings,
        "override[]": settings.OverrideSettings,
        "waiver[]": settings.WaiverSettings,
    }
    table = re.sub(r"\[\d+\]", "[]", place.replace("[...]", "[]"))
    if table.endswith("targets[]"):
        return settings.TargetSettings.__struct_fields__
    return (tables.get(table) or settings.Image).__struct_fields__


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
