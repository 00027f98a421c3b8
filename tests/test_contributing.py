"""CONTRIBUTING.md names files, make targets and names of the code; they must exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PARTS = ("convert", "validate", "tests")
SOURCES = "\n".join(path.read_text() for part in PARTS for path in sorted((ROOT / part).rglob("*.py")))


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`", PAGE))))
def test_a_path_exists(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("file", sorted(set(re.findall(r"`(\w+\.(?:py|toml|txt))`", PAGE))))
def test_a_file_exists(file: str) -> None:
    assert (ROOT / file).exists() or list((ROOT / "tests").rglob(file))


@pytest.mark.parametrize("target", sorted(set(re.findall(r"[`$] ?make ([a-z-]+)", PAGE))))
def test_a_make_target_exists(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(_?[A-Z]\w+)`", PAGE))))
def test_a_name_of_the_code_exists(name: str) -> None:
    assert re.search(rf"^(class {name}\b|{name}\b.* = )", SOURCES, re.MULTILINE)


def test_it_stays_short() -> None:
    assert len(PAGE.splitlines()) < 200
