"""A document as a page of its own: it fetches nothing, and runs only the scripts that it carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .templating import SCRIPTS, STYLE, asset, content_security_policy, render_template
from .view import page_view

if TYPE_CHECKING:
    from ..document import Document


def render_page(document: Document) -> str:
    """The page as text, without a trailing line break. Apache ECharts is in it only where there is a chart."""
    from markupsafe import Markup

    page = page_view(document)
    drawn = any(entry.report.data for entry in page.entries)
    scripts = SCRIPTS if drawn else SCRIPTS[1:]
    return render_template(
        "page.html.j2",
        page=page,
        policy=content_security_policy(scripts),
        style=Markup(asset(STYLE)),
        scripts=[Markup(asset(name)) for name in scripts],
        markup=Markup,
    )
