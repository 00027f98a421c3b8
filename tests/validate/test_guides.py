"""Every code that the code base can raise is explained: what it means, why, how to fix it, an example."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from paritygate.validate.catalog import CATALOG
from paritygate.validate.guides import GUIDES, guide_of

ROOT = Path(__file__).parents[2]
FOLDERS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-dir"].values()
RAISED = sorted(
    {
        code
        for folder in FOLDERS
        for file in (ROOT / folder).rglob("*.py")
        if "guides" not in file.parts
        for code in re.findall(r'"(PG\d{3})"', file.read_text("utf-8"))
    }
)


def test_codes_are_found() -> None:
    assert {"PG101", "PG201", "PG308", "PG402", "PG501"} <= set(RAISED)


@pytest.mark.parametrize("code", sorted({*RAISED, *CATALOG}))
def test_every_code_is_explained_in_four_parts(code: str) -> None:
    guide = GUIDES[code]
    assert len(CATALOG[code].text) > 25
    for part in (guide.why, guide.fix):
        assert part.endswith(".")
        assert len(part.split()) >= 4
    assert guide.example
    shown = guide_of(code)
    for head in (code, "Why: ", "How to fix: ", "Example:\n  "):
        assert head in shown
    assert max(map(len, shown.splitlines()[:-1])) <= 100


def commands(example: str) -> list[str]:
    return re.findall(r"paritygate (\w+)", example)


@pytest.mark.parametrize("code", sorted(CATALOG))
def test_examples_name_commands_and_options_that_exist(code: str) -> None:
    import click

    from paritygate.cli.main import cli

    example = GUIDES[code].example
    for name in commands(example):
        command = cli.commands[name]
        named = set(re.findall(r"(?<= )--[\w-]+", example.partition(f"paritygate {name}")[2]))
        inner = command.commands.values() if isinstance(command, click.Group) else ()
        known = {option for each in (command, *inner) for param in each.params for option in param.opts}
        assert named <= known | {"--help"}
