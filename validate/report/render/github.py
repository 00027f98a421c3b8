"""A document as annotations of GitHub Actions: workflow commands that a step prints (``::error file=..::message``)."""

from __future__ import annotations

from collections.abc import Iterator

from ...text import printable, printable_lines
from ..document import Document, Entry
from ..problems import Problem
from ..types import Severity
from .lead import problems, story
from .place import path_of

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning"}
_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


def render_github(document: Document) -> str:
    """A line per error and warning, those of failing models first: GitHub shows ten of each kind."""
    return "\n".join(
        _command(entry, problem)
        for entry in document.worst_first
        for problem in problems(entry)
        if problem.severity in _COMMANDS
    )


def _command(entry: Entry, problem: Problem) -> str:
    title = f"{problem.code} {entry.model} -> {entry.target}".strip()
    place = f"file={_property(path_of(entry.model))},title={_property(title)}"
    return f"::{_COMMANDS[problem.severity]} {place}::{_data(story(entry, problem))}"


def _data(lines: Iterator[str]) -> str:
    return printable_lines("\n".join(lines)).translate(_DATA)


def _property(text: str) -> str:
    return printable(text).translate(_PROPERTY)
