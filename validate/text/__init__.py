"""Text from files and models, made safe for a terminal."""

from __future__ import annotations

import re

_COMMAND = re.compile(r"^(?P<before> *):(?=:)|(?P<mark>#)#(?=\w*\[)")
"""What CI systems take for a command in a log: ``::name`` that begins a line, ``##[name]`` and ``##vso[`` anywhere."""


def printable(text: str) -> str:
    """Names come from files: control characters and a CI system's commands are shown, never sent where they act."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return _COMMAND.sub(_disarmed, shown)


def _disarmed(found: re.Match[str]) -> str:
    return r"#\x23" if found["mark"] else rf"{found['before']}\x3a"


def printable_lines(text: str) -> str:
    """The same for a text of several lines, whose line breaks and tabs stay."""
    return "\n".join(printable(line.replace("\t", "    ")) for line in text.split("\n"))
