"""A folder with small models, which is the current one, and a cache of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from gate_models import write_model


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with three models, and a cache of its own."""
    home = tmp_path / "project"
    home.mkdir()
    for number, name in enumerate(("a", "b", "deep/c")):
        write_model(home / "models" / f"{name}.onnx", number + 2.0)
    monkeypatch.chdir(home)
    monkeypatch.setenv("PARITYGATE_CACHE", str(tmp_path / "cache"))
    return home
