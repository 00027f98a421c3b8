"""The templates of this package, and the files that are embedded in a page."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from ...text import printable

if TYPE_CHECKING:
    from jinja2 import Environment

SCRIPTS = ("echarts.common.min.js", "numbers.js", "charts.js", "samples.js", "figures.js", "theme.js", "gate.js")
"""Embedded in this order: Apache ECharts' smallest build that has scatter, bar and line, then our own."""

STYLE = "page.css"


@cache
def asset(name: str) -> str:
    """The text of an embedded file, as it stands between its tags."""
    return files(__package__).joinpath("static", name).read_text("utf-8").strip()


def content_security_policy(scripts: tuple[str, ...]) -> str:
    """What the page may run and load: its own scripts and style by their hashes, and nothing else."""
    hashes = " ".join(_hash(asset(name)) for name in scripts)
    script = f"script-src {hashes}" if hashes else "script-src 'none'"
    return f"default-src 'none'; {script}; style-src {_hash(asset(STYLE))}; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode('utf-8')).digest()).decode('ascii')}'"


def render_template(name: str, **values: Any) -> str:
    """A template with these values, without a trailing line break."""
    return _environment().get_template(name).render(**values).strip()


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader(__package__ or "", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    return made


def _finalize(value: Any) -> Any:
    """Names come from files: control characters are shown, as in every other format. Markup is ours, and stays."""
    from markupsafe import Markup

    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value
