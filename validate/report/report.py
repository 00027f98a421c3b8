"""The report as the library hands it out: it prints itself as text, and in a notebook as HTML."""

from __future__ import annotations

from dataclasses import dataclass

from .render.html import render_html
from .render.text import render_text
from .types import ReportData


@dataclass(frozen=True, slots=True)
class Report(ReportData):
    """Everything there is to say about one comparison."""

    def __str__(self) -> str:
        return render_text(self)

    def _repr_html_(self) -> str:
        return render_html(self)
