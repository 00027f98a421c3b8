"""Parts of a page that different benchmarks write, between markers of their own."""

from __future__ import annotations

import re
from pathlib import Path

_SECTION = re.compile(r"<!-- (?P<name>[\w-]+): written by [^>]* -->\n.*?<!-- end of (?P=name) -->\n?", re.DOTALL)


def write_section(page: Path, name: str, command: str, text: str) -> None:
    """Put the section ``name``, which ``command`` writes, in the place of the old one, or at the end of the page."""
    section = f"<!-- {name}: written by {command} -->\n{text.strip()}\n<!-- end of {name} -->\n"
    content = page.read_text() if page.exists() else ""
    old = next((found[0] for found in _SECTION.finditer(content) if found["name"] == name), None)
    page.write_text(content.replace(old, section) if old else f"{content.rstrip()}\n\n{section}")


def with_sections_of(page: Path, text: str) -> str:
    """A new text of the page, followed by the sections that the page has now."""
    kept = [found[0] for found in _SECTION.finditer(page.read_text())] if page.exists() else []
    return "\n".join([text.rstrip() + "\n", *kept])
