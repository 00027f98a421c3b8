"""The gate on real models: what passes is exported, what fails is said, and what was done isn't done again."""

from __future__ import annotations

import math
import os
import shutil
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import onnx
import pytest
from gate_models import write_config, write_model

from paritygate.gate import GateOptions, gate
from paritygate.gate.api import exit_code, remembered
from paritygate.gate.cache.keys import key_of
from paritygate.gate.cache.store import Store, cache_folder
from paritygate.gate.config.file import load_config
from paritygate.gate.plan import make_plan
from paritygate.validate.report.document import Document, Status
from paritygate.validate.report.report import Report
from paritygate.validate.report.types import OutputComparison, Verdict, WorstElement
from paritygate.validate.report.user_checks import Waiver

ALL = '[[model]]\npath = "models/*.onnx"\n'


def statuses(document: Document) -> list[str]:
    return [f"{entry.model} {entry.status.value}{' cached' * entry.cached}" for entry in document.entries]


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Document, Path]:
    """A gate that has run, and its project and cache."""
    home = tmp_path_factory.mktemp("once")
    for number, name in enumerate(("a", "b")):
        write_model(home / "project" / "models" / f"{name}.onnx", number + 2.0)
    write_config(home / "project", ALL)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home / "project")
        patch.setenv("PARITYGATE_CACHE", str(home / "cache"))
        return gate(), home


@pytest.fixture
def done(folder: Path, once: tuple[Document, Path]) -> Document:
    """The same gate, in the current folder."""
    document, home = once
    shutil.copytree(home, folder.parent, dirs_exist_ok=True)
    return document


def test_what_passes_is_exported(folder: Path, done: Document) -> None:
    assert statuses(done) == ["models/a.onnx pass", "models/b.onnx pass"]
    assert exit_code(done) == 0
    for entry in done.entries:
        assert entry.report is not None
        assert entry.report.candidate.path == entry.written
        onnx.checker.check_model(entry.written)
    assert done.version
    assert done.options["config"] == "paritygate.toml"


def test_unchanged_work_is_not_done_again(folder: Path, done: Document) -> None:
    again = gate()
    assert statuses(again) == ["models/a.onnx pass cached", "models/b.onnx pass cached"]
    assert [entry.report for entry in again.entries] == [entry.report for entry in done.entries]


def test_a_file_that_is_missing_or_changed_is_exported_from_the_cache(folder: Path, done: Document) -> None:
    first, second = (Path(entry.written) for entry in done.entries)
    expected = first.read_bytes()
    first.unlink()
    second.write_bytes(b"damaged")
    stamp = (folder / "models").stat().st_mtime
    assert all(entry.cached for entry in gate().entries)
    assert first.read_bytes() == expected
    onnx.checker.check_model(str(second))
    assert (folder / "models").stat().st_mtime == stamp


def test_one_bad_model_stops_no_other(folder: Path) -> None:
    """A damaged file, one that isn't there, and one whose tolerance nothing keeps."""
    (folder / "models" / "b.onnx").write_bytes(b"not a model")
    text = ALL + '[[model]]\npath = "gone.onnx"\n[[model]]\npath = "models/deep/c.onnx"\ntimeout = 0.01\n'
    write_config(folder, text)
    document = gate(options=GateOptions(jobs=2))
    found = {entry.model: (entry.error.code if entry.error else entry.status.value) for entry in document.entries}
    assert found == {
        "models/a.onnx": "pass",
        "models/b.onnx": "PG402",
        "gone.onnx": "PG202",
        "models/deep/c.onnx": "PG304",
    }
    assert exit_code(document) == 4
    assert sorted(path.name for path in (folder / "exported").rglob("*.onnx")) == ["a.onnx"]
    cached = {entry.model: entry.cached for entry in gate().entries}
    assert [model for model, known in cached.items() if known] == ["models/a.onnx"], "an error is never cached"


def test_files_that_nobody_can_read_stop_no_other(folder: Path) -> None:
    """ONNX that can't be parsed although it speaks of external data, and a broken link: both before any work."""
    (folder / "models" / "b.onnx").write_bytes(b"\xff\xfflocation\xff")
    (folder / "models" / "c.onnx").symlink_to(folder / "nowhere.onnx")
    write_config(folder, ALL)
    found = {entry.model: (entry.error.code if entry.error else entry.status.value) for entry in gate().entries}
    assert found == {"models/a.onnx": "pass", "models/b.onnx": "PG402", "models/c.onnx": "PG202"}


@pytest.mark.parametrize(
    "table", ["rtol = 0\natol = inf", "rtol = 1\natol = 0", "tolerances = {y = [0, inf]}", 'tolerances = ["y:0:inf"]']
)
def test_a_tolerance_that_anything_would_keep_is_refused(folder: Path, table: str) -> None:
    write_config(folder, f'[[model]]\npath = "models/a.onnx"\n{table}\n')
    (entry,) = gate().entries
    assert entry.error is not None
    assert entry.error.code == "PG201"


def test_a_live_cache_serves_no_other_question(folder: Path, done: Document) -> None:
    """Each thing that a verdict depends on makes another key."""
    config = load_config()
    (entry, _) = make_plan(config)
    today = date(2026, 1, 1)
    known = {key_of(entry, (), today)}

    def is_new(*, entry=entry, waivers=(), today=today) -> bool:
        key = key_of(entry, waivers, today)
        seen = key in known
        known.add(key)
        return key is not None and not seen

    waiver = Waiver("y", 1e-3, "reviewed", today)
    assert not is_new()
    assert is_new(waivers=(waiver,))
    assert is_new(waivers=(waiver,), today=today + timedelta(1)), "a waiver that has expired since"
    assert is_new(entry=replace(entry, options=replace(entry.options, sample=replace(entry.options.sample, seed=7))))
    assert is_new(entry=replace(entry, output=Path("elsewhere.onnx")))
    write_model(folder / "models" / "a.onnx", 2.5)
    assert is_new()


def test_the_users_own_code_is_never_cached(folder: Path) -> None:
    (entry,) = make_plan(load_config(write_config(folder, '[[model]]\npath = "models/a.onnx"\ntrust = true')))
    assert key_of(entry, (), date.today()) is None


def test_metrics_of_ours_are_cached_with_their_truth(folder: Path) -> None:
    np.save(folder / "labels.npy", np.arange(3))
    write_config(folder, '[[model]]\npath = "models/a.onnx"\nmetrics = ["top(y, truth=labels.npy)"]')
    (entry,) = make_plan(load_config())
    before = key_of(entry, (), date.today())
    assert before == key_of(entry, (), date.today()) is not None
    np.save(folder / "labels.npy", np.arange(4))
    assert key_of(entry, (), date.today()) != before
    write_config(folder, '[[model]]\npath = "models/a.onnx"\nmetrics = ["m:f"]')
    (entry,) = make_plan(load_config())
    assert key_of(entry, (), date.today()) is None


def test_external_data_and_folders_are_part_of_the_model(folder: Path) -> None:
    path = folder / "models" / "a.onnx"
    model = onnx.load(str(path))
    weight = onnx.numpy_helper.from_array(np.ones(4096, np.float32), "w")
    model.graph.initializer.append(weight)
    onnx.save(model, str(path), save_as_external_data=True, location="a.data", size_threshold=0)
    write_config(folder, '[[model]]\npath = "models/a.onnx"')
    (entry,) = make_plan(load_config())
    before = key_of(entry, (), date.today())
    data = folder / "models" / "a.data"
    data.write_bytes(data.read_bytes()[:-1] + b"\x01")
    assert key_of(entry, (), date.today()) != before


@pytest.mark.parametrize("part", ["entry", "artifact", "missing"])
def test_a_damaged_entry_is_made_again(folder: Path, done: Document, part: str) -> None:
    for file in (cache_folder() / "v1").glob("??/*/entry"):
        artifact = next((file.parent / "artifact").iterdir())
        if part == "missing":
            artifact.unlink()
        else:
            damaged = file if part == "entry" else artifact
            content = bytearray(damaged.read_bytes())
            content[-1] ^= 1
            damaged.write_bytes(bytes(content))
    shutil.rmtree(folder / "exported")
    again = gate()
    assert statuses(again) == ["models/a.onnx pass", "models/b.onnx pass"]
    for entry in again.entries:
        onnx.checker.check_model(entry.written)
    assert all(entry.cached for entry in gate().entries)


def test_a_report_comes_back_as_it_was(tmp_path: Path, folder: Path, done: Document) -> None:
    """Infinities, NaN, and an integer that is no float: all that JSON would lose."""
    report = done.entries[0].report
    assert report is not None
    worst = WorstElement(0, (1, 2), 3, math.inf, 0.5, None)
    output = OutputComparison("y", "y", Verdict.FAIL, "PG101", "it differs", worst=worst)
    changed = replace(report, outputs=(output,))
    store = Store(tmp_path / "other")
    store.put("ab" + "0" * 62, changed, None, (Path("x"),), 1.5)
    stored = store.get("ab" + "0" * 62)
    assert stored is not None
    assert isinstance(stored.report, Report)
    assert stored.report == changed
    assert isinstance(stored.report.outputs[0].worst.expected, int)


def test_a_model_that_changes_meanwhile_is_not_cached(folder: Path, done: Document) -> None:
    config = load_config()
    (entry, _) = make_plan(config)
    memory = remembered(config)
    shutil.rmtree(cache_folder())
    assert memory.recall(entry, folder / "x") is None
    write_model(folder / "models" / "a.onnx", 9.0)
    from paritygate.gate.work import Produced

    memory.remember(entry, Produced(done.entries[0].report, artifact=None, seconds=1.0))
    assert not memory.knows(entry)
    assert memory.seconds(entry) == 1.0


def test_prune_and_clear(folder: Path, done: Document) -> None:
    store = Store(cache_folder())
    assert store.usage().entries == 2
    (old, _) = (cache_folder() / "v1").glob("??/*")
    os.utime(old, (1, 1))
    assert store.prune(30).entries == 1
    assert store.clear().entries == 1
    assert store.usage().bytes == 0


def test_a_cache_that_can_not_be_written_is_no_failure(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocked = folder / "file"
    blocked.write_text("")
    monkeypatch.setenv("PARITYGATE_CACHE", str(blocked))
    write_config(folder, '[[model]]\npath = "models/a.onnx"')
    assert statuses(gate()) == ["models/a.onnx pass"]
    assert "not cached" in capsys.readouterr().err


def test_an_output_that_is_no_file_is_refused(folder: Path) -> None:
    write_config(folder, '[[model]]\npath = "models/a.onnx"\n')
    kept = folder / "exported" / "models" / "a.onnx" / "kept.txt"
    kept.parent.mkdir(parents=True)
    kept.write_text("mine")
    (entry,) = gate().entries
    assert entry.error is not None
    assert entry.error.code == "PG205"
    assert entry.status is Status.ERROR
    assert kept.read_text() == "mine"
