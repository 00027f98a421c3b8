"""Names change places in one step, what was staged goes, and only what dead processes have left is removed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from paritygate.validate.files import replace as module
from paritygate.validate.files.journal import data_noted
from paritygate.validate.files.leftovers import clear_abandoned
from paritygate.validate.files.marks import abandoned, marked
from paritygate.validate.files.replace import exchange, replace, staged


def package(path: Path, text: str) -> Path:
    (path / "Data").mkdir(parents=True)
    (path / "Data" / "text").write_text(text)
    return path


def text_of(path: Path) -> str:
    return (path / "Data" / "text").read_text() if path.is_dir() else path.read_text()


@pytest.mark.parametrize("new_is_folder", [True, False])
@pytest.mark.parametrize("old", ["none", "file", "folder"])
@pytest.mark.parametrize("can_exchange", [True, False])
def test_the_new_takes_the_place_of_the_old(
    new_is_folder: bool, old: str, can_exchange: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not can_exchange:
        monkeypatch.setattr(module, "exchange", lambda one, other: False)
    output = tmp_path / "out"
    if old != "none":
        package(output, "old") if old == "folder" else output.write_text("old")
    with staged(output) as partial:
        package(partial, "new") if new_is_folder else partial.write_text("new")
        replace(partial, output)
    assert text_of(output) == "new"
    assert list(tmp_path.iterdir()) == [output]


def test_folders_are_exchanged_in_one_step(tmp_path: Path) -> None:
    """The call that the promise rests on, on the systems where the tests run."""
    one, other = package(tmp_path / "one", "1"), package(tmp_path / "other", "2")
    assert exchange(one, other)
    assert (text_of(one), text_of(other)) == ("2", "1")
    with pytest.raises(FileNotFoundError):
        exchange(one, tmp_path / "missing")


def dead() -> str:
    """A mark of a process that has ended."""
    script = "from paritygate.validate.files.marks import marked; print(marked())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_only_what_dead_processes_have_left_is_removed(tmp_path: Path) -> None:
    of_dead, of_living = tmp_path / f".{dead()}.partial", tmp_path / f".{marked()}.partial"
    of_other_machine = tmp_path / ".paritygate-1-1-00000000-12345678.partial"
    old = tmp_path / ".paritygate-1-1-00000000-87654321.partial"
    of_users = tmp_path / ".paritygate-notes.txt"
    for path in (of_dead, of_living, of_other_machine, of_users, old):
        path.touch()
    os.utime(old, (0, 0))
    clear_abandoned(tmp_path)
    assert set(tmp_path.iterdir()) == {of_living, of_other_machine, of_users}


def test_links_are_removed_and_never_followed(tmp_path: Path) -> None:
    kept = package(tmp_path / "kept", "mine")
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / f".{dead()}.partial").symlink_to(kept)
    left = package(folder / f".{dead()}.partial", "left")
    (left / "link").symlink_to(kept)
    clear_abandoned(folder)
    assert not list(folder.iterdir())
    assert text_of(kept) == "mine"


def test_an_old_output_that_stepped_aside_comes_back(tmp_path: Path) -> None:
    package(tmp_path / f".{dead()}.old.Model.mlpackage", "old")
    clear_abandoned(tmp_path)
    assert text_of(tmp_path / "Model.mlpackage") == "old"
    package(tmp_path / f".{dead()}.old.Model.mlpackage", "older")
    clear_abandoned(tmp_path)
    assert text_of(tmp_path / "Model.mlpackage") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["Model.mlpackage"]


def test_a_mark_of_this_process_is_not_abandoned(tmp_path: Path) -> None:
    (tmp_path / marked()).mkdir()
    assert not any(map(abandoned, tmp_path.iterdir()))


@pytest.mark.parametrize(("placed", "left"), [(False, {"old.data"}), (True, {"new.data"})])
def test_data_without_a_model_goes(placed: bool, left: set[str], tmp_path: Path) -> None:
    for name in ("new.data", "old.data", "model"):
        (tmp_path / name).touch()
    with data_noted(tmp_path / "model", ["new.data"], ["old.data"]):
        if placed:
            (tmp_path / "model").rename(tmp_path / "placed")
    assert {path.name for path in tmp_path.iterdir()} - {"model", "placed"} == left


@pytest.mark.parametrize("text", ["", "{", "[]", '{"old": 3}', '{"old": ["../x", "/etc/x", "", ".", ".x"]}'])
def test_a_note_that_no_run_has_written_does_nothing(text: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    for name in (tmp_path / "x", folder / ".x"):
        name.touch()
    (folder / f".{dead()}.partial.note").write_text(text)
    clear_abandoned(folder)
    assert {path.name for path in tmp_path.iterdir()} == {"x", "out"}
    assert [path.name for path in folder.iterdir()] == [".x"]
