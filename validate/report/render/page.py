"""A document as an HTML page: everything escaped, no scripts, nothing fetched."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from ...text import printable
from ..document import Document, Entry
from .html import render_html
from .lead import counted, headline, lead, name

_STYLE = "body{font-family:sans-serif} td,th{padding:0 .6em}"


def render_page(document: Document) -> str:
    """A document as a page of its own, what fails first."""
    title = _safe(f"paritygate {document.command}: {document.status.value}")
    head = f"<meta charset='utf-8'><title>{title}</title><style>{_STYLE}</style>"
    several = f"<h1>{_safe(counted(document))}</h1>" if len(document.entries) != 1 else ""
    body = "".join(f"<h2>{_safe(name(entry))}</h2>{_entry(entry)}" for entry in document.worst_first)
    return f"<!doctype html><html lang='en'><head>{head}</head><body>{several}{body}</body></html>"


def _entry(entry: Entry) -> str:
    if entry.report is not None:
        return render_html(entry.report)
    said = _list(f"{head} {text}".strip() for head, text in lead(entry))
    return f"<p><strong>{_safe(headline(entry))}</strong></p>{said}"


def _list(items: Iterable[str]) -> str:
    lines = "".join(f"<li>{_safe(item)}</li>" for item in items)
    return f"<ul>{lines}</ul>"


def _safe(text: str) -> str:
    return escape(printable(text))
