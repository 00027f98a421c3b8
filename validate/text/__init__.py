"""Text from files and models, made safe for a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """Names come from files: control characters are shown, never sent to a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def printable_lines(text: str) -> str:
    """The same for a text of several lines, whose line breaks and tabs stay."""
    return "\n".join(printable(line.replace("\t", "    ")) for line in text.split("\n"))
