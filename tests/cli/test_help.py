"""Help names what the registries hold: nobody has to list it a second time."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from paritygate.cli.main import cli
from paritygate.convert.routes.registry import ROUTES
from paritygate.convert.targets import TARGETS
from paritygate.validate.engines.registry import ENGINES, FORMATS
from paritygate.validate.report.render.formats import ReportFormat
from paritygate.validate.sample_formats import SUFFIXES

LISTED = {
    "convert SOURCE": [suffix for format in FORMATS for suffix in format.suffixes],
    "convert OUTPUT": [suffix for target in TARGETS for suffix in target.suffixes],
    "convert --to": [target.name for target in TARGETS],
    "convert --route": sorted({route.name for routes in ROUTES.values() for route in routes}),
    "convert --samples": list(SUFFIXES),
    "convert --format": [format.value for format in ReportFormat],
    "run --engine": list(ENGINES),
}


def entry(command: str, name: str) -> str:
    """What help says about an option, or the sentence about an argument, as one line."""
    shown = CliRunner().invoke(cli, [command, "--help"], terminal_width=80).output
    pattern = rf"\n  {name}\b.*?(?=\n  -|\n\n)" if name.startswith("-") else rf"\b{name} is one of .*?(?=\. |\.\n)"
    found = re.search(pattern, shown, re.DOTALL)
    assert found is not None, shown
    return re.sub(r"\s+", " ", found[0])


@pytest.mark.parametrize("place", LISTED)
def test_help_names_everything(place: str) -> None:
    text = entry(*place.split())
    words = set(re.findall(r"[\w.-]*[\w-]", text))
    assert [name for name in LISTED[place] if name not in words] == []


def test_the_engines_say_what_they_run_and_where() -> None:
    text = entry("run", "--engine")
    assert "Core ML: coreml" in text
    assert "macOS only" in text
