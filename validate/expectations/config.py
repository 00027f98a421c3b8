"""The config file: ``paritygate.toml``, or ``[tool.paritygate]`` of pyproject.toml. The waivers are read here.

What else it may hold, options and the models of a gate, is read by :mod:`paritygate.gate.config.file`.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ..errors import ParityGateError
from ..report.types import Finding, Severity
from ..report.user_checks import Waiver

FILE = "paritygate.toml"
"""The file that is read from the current folder if the user names none."""

PROJECT = "pyproject.toml"
"""The file whose table ``[tool.paritygate]`` is read where there is no :data:`FILE`."""

TABLES = ("waiver", "gate", "defaults", "convert", "validate", "model", "override")
"""The tables of the file: all but the first are the gate's."""

_LARGEST = 1 << 20
_TEXTS = ("output", "reason", "model", "signed_off_by")
_KNOWN = tuple(field.name for field in fields(Waiver))
_NEEDED = ("output", "max_abs", "reason", "expires")
_EXAMPLE = """For example:
  [[waiver]]
  output = "logits"
  max_abs = 1e-3
  reason = "the old model rounds twice; reviewed in ticket 17"
  expires = 2026-12-31"""


def find_config(given: Path | None, folder: Path = Path()) -> Path | None:
    """The given file, or the one in the folder (the current one) if there is one."""
    if given is not None or (folder / FILE).is_file():
        return given or folder / FILE
    project = folder / PROJECT
    return project if _speaks_of_us(project) and _project_tables(_read(project)) is not None else None


def _speaks_of_us(project: Path) -> bool:
    """Whether it is worth reading: whatever is wrong with a pyproject.toml of others is no concern of ours."""
    return project.is_file() and project.stat().st_size <= _LARGEST and b"tool.paritygate" in project.read_bytes()


def config_note(path: Path | None) -> tuple[Finding, ...]:
    """Which config file was in force: waivers and options may come with a folder that someone else has made."""
    if path is None:
        return ()
    message = f"waivers are read from {path.absolute()}"
    return (Finding("", Severity.NOTE, "config", message),)


def read_waivers(path: Path | None) -> tuple[Waiver, ...]:
    """The waivers of a config file; none without a file.

    Raises ParityGateError PG202 if the file can't be read, and PG201 for invalid content.
    """
    if path is None:
        return ()
    entries = read_tables(path).get("waiver", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ParityGateError("PG201", str(path), "'waiver' is not a list of tables", _EXAMPLE)
    return tuple(_waiver(entry, f"{path}, waiver {number}") for number, entry in enumerate(entries, start=1))


def read_tables(path: Path) -> dict[str, Any]:
    """The tables of a config file, each of :data:`TABLES`; those of ``[tool.paritygate]`` for a pyproject.toml.

    Raises ParityGateError PG202 if the file can't be read, PG201 for what isn't TOML, or a table of another name.
    """
    tables = _read(path)
    if path.name == PROJECT:
        tables = _project_tables(tables) or {}
    unknown = [key for key in tables if key not in TABLES]
    if unknown:
        near = get_close_matches(unknown[0], TABLES, 1)
        remedy = f"Did you mean {near[0]}?" if near else f"There may be: {', '.join(TABLES)}."
        raise ParityGateError("PG201", str(path), f"unknown: {', '.join(unknown)}", remedy)
    return tables


def _project_tables(tables: Mapping[str, Any]) -> dict[str, Any] | None:
    """``[tool.paritygate]``; None without one."""
    found = tables.get("tool")
    ours = found.get("paritygate") if isinstance(found, dict) else None
    return ours if isinstance(ours, dict) else None


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_text(path))
    except OSError as error:
        raise ParityGateError("PG202", str(path), f"it can't be read: {error.strerror}") from error
    except ValueError as error:  # not UTF-8, or not TOML
        raise ParityGateError("PG201", str(path), f"it is not TOML: {error}") from error


def _text(path: Path) -> str:
    """The file's text. Raises ParityGateError PG201 for what is too large to be a config file or no file at all."""
    with path.open("rb") as file:
        content = file.read(_LARGEST + 1) if path.is_file() else b" " * (_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ParityGateError("PG201", str(path), f"it is not a regular file of at most {_LARGEST} bytes")
    return content.decode()


def _waiver(entry: Mapping[str, Any], subject: str) -> Waiver:
    fault = _fault(entry)
    if fault:
        raise ParityGateError("PG201", subject, fault, _EXAMPLE)
    return Waiver(**{**entry, "max_abs": float(entry["max_abs"])})


def _fault(entry: Mapping[str, Any]) -> str:
    """What is wrong with a waiver; "" if nothing is."""
    unknown = [key for key in entry if key not in _KNOWN]
    if unknown:
        return f"unknown: {', '.join(unknown)} (known: {', '.join(_KNOWN)})"
    missing = [key for key in _NEEDED if key not in entry]
    if missing:
        return f"missing: {', '.join(missing)}"
    empty = [key for key in _TEXTS if key in entry and not (isinstance(entry[key], str) and entry[key].strip())]
    if empty:
        return f"must be text and not empty: {', '.join(empty)}"
    bound = entry["max_abs"]
    if isinstance(bound, bool) or not isinstance(bound, int | float) or not 0 < bound < math.inf:
        return f"max_abs = {bound!r} is not a finite number above 0"
    if type(entry["expires"]) is not date:
        return f"expires = {entry['expires']!r} is not a date, written without quotes"
    return ""
