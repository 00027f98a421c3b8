"""From a config to entries: names, outputs, which option wins, and slips that would leave a model out."""

from __future__ import annotations

from pathlib import Path

import pytest
from gate_models import write_config, write_model

from paritygate.convert.options import Precision
from paritygate.gate.api import GateOptions, planned_entries
from paritygate.gate.config.file import load_config
from paritygate.gate.config.permissions import Allow
from paritygate.gate.plan import Planned, make_plan
from paritygate.gate.shard import Shard
from paritygate.validate.errors import ParityGateError
from paritygate.validate.signature import ImageInput, TensorSpec


def plan(folder: Path, text: str, *select: str) -> tuple[Planned, ...]:
    write_config(folder, text)
    return make_plan(load_config(), select)


def names(entries: tuple[Planned, ...]) -> list[tuple[str, str, str]]:
    return [(entry.model, entry.target, str(entry.output)) for entry in entries]


def test_a_pattern_stands_for_its_files_in_order(folder: Path) -> None:
    assert names(plan(folder, '[[model]]\npath = "models/**/*.onnx"')) == [
        ("models/a.onnx", "onnx", "exported/models/a.onnx"),
        ("models/b.onnx", "onnx", "exported/models/b.onnx"),
        ("models/deep/c.onnx", "onnx", "exported/models/deep/c.onnx"),
    ]


def test_what_was_exported_is_no_model_of_the_next_run(folder: Path) -> None:
    write_model(folder / "exported" / "models" / "a.onnx")
    write_model(folder / ".hidden" / "x.onnx")
    assert len(plan(folder, '[[model]]\npath = "**/*.onnx"')) == 3


def test_targets_have_options_and_names_of_their_own(folder: Path) -> None:
    text = """
[[model]]
path = "models/a.onnx"
name = "net"
targets = [
    "onnx",
    {to = "onnx", name = "old", opset = 13},
    {to = "mlpackage", precision = "fp16", output = "A.mlpackage"},
]
"""
    entries = plan(folder, text)
    assert names(entries) == [
        ("net", "onnx", "exported/net.onnx"),
        ("net", "old", "exported/net.old.onnx"),
        ("net", "mlpackage", "A.mlpackage"),
    ]
    assert [entry.options.target.opset for entry in entries] == [None, 13, None]
    assert entries[2].options.target.precision is Precision.FP16


def test_the_nearer_table_wins(folder: Path) -> None:
    text = """
[defaults]
seed = 1
timeout = 11
[convert]
seed = 2
[[model]]
path = "models/*.onnx"
seed = 3
targets = ["onnx", {to = "onnx", name = "own", seed = 5}]
[[override]]
match = "*b.onnx"
seed = 4
"""
    entries = plan(folder, text)
    assert [entry.options.sample.seed for entry in entries] == [3, 5, 4, 5]
    assert {entry.options.run.timeout for entry in entries} == {11}


def test_options_of_all_models_hold_where_they_apply(folder: Path) -> None:
    """An opset is nothing for Core ML, a width of inputs nothing for ONNX: only a model's own must apply."""
    text = (
        '[convert]\nopset = 15\ndtype = "float64"\n[[model]]\npath = "models/a.onnx"\ntargets = ["onnx", "mlpackage"]'
    )
    assert [entry.options.target.opset for entry in plan(folder, text)] == [15, None]


def test_texts_and_tables_say_the_same(folder: Path) -> None:
    texts = """
[[model]]
path = "models/a.onnx"
targets = ["mlpackage"]
inputs = ["x:float32:N,4"]
dynamic = ["x:0:1:8"]
ranges = ["x:0:255"]
tolerances = ["y:0.1:0.2"]
thresholds = ["y:0.5", "y:0.7"]
max_drop = ["m:f:0.25"]
images = ["x:scale=2,bias=1/2/3,layout=BGR"]
shapes = ["x:1,4", "x:2,4"]
max_flips = "0.5%"
"""
    tables = """
[[model]]
path = "models/a.onnx"
targets = ["mlpackage"]
inputs = ["x:float32:N,4"]
dynamic = ["x:0:1:8"]
ranges = {x = [0, 255]}
tolerances = {y = [0.1, 0.2]}
thresholds = {y = [0.5, 0.7]}
max_drop = {"m:f" = 0.25}
images = {x = {scale = 2, bias = [1, 2, 3], layout = "BGR"}}
shapes = {x = [[1, 4], [2, 4]]}
max_flips = 0.005
"""
    (first,), (second,) = plan(folder, texts), plan(folder, tables)
    assert first.options == second.options
    assert first.options.coreml.images == {"x": ImageInput(2.0, (1.0, 2.0, 3.0), "BGR")}
    assert isinstance(first.options.load.inputs[0], TensorSpec)


def test_paths_start_from_the_files_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_config(folder, '[[model]]\npath = "models/a.onnx"\nsamples = "data/x.npz"')
    monkeypatch.chdir(folder.parent)
    (entry,) = make_plan(load_config(Path("project/paritygate.toml")))
    assert entry.source == Path("project/models/a.onnx")
    assert entry.options.sample.samples == Path("project/data/x.npz")
    assert entry.output == Path("project/exported/models/a.onnx")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "it lists no model"),
        ('[[model]]\npath = "model/*.onnx"', "no file matches"),
        ('[[model]]\npath = "/**/*.onnx"', "can't leave the config's folder"),
        ('[[model]]\npath = "../*/*.onnx"', "can't leave the config's folder"),
        ('[[model]]\npath = "models/a.onnx"\ntargets = ["onx"]', "unknown target: onx\n  Did you mean onnx?"),
        ('[[model]]\npath = "models/*.onnx"\nname = "x"', "it matches 2 models"),
        (
            '[[model]]\npath = "models/a.onnx"\n[[model]]\npath = "models/*.onnx"',
            "two entries are called models/a.onnx",
        ),
        ('[[model]]\npath = "models/a.onnx"\n[[model]]\npath = "models/b.onnx"\nname = "models/a"', "would both write"),
        ('[[model]]\npath = "models/a.onnx"\n[[override]]\nmatch = "x*"', "override x*: no model matches"),
        ('[[model]]\npath = "models/a.onnx"\nrtol = 1', "model models/a.onnx: rtol, atol"),
        (
            '[[model]]\npath = "models/*.onnx"\n[[model]]\npath = "models/deep/c.onnx"\n'
            'targets = [{to = "onnx", output = "models/b.onnx"}]',
            "which is a model to convert",
        ),
        (
            '[[model]]\npath = "models/a.onnx"\ntargets = [{to = "onnx", output = "setup.py"}]',
            "has another suffix than .onnx",
        ),
        ('[[model]]\npath = "models/a.onnx"\nmax_drop = ["x"]', "METRIC:VALUE"),
        ('[[model]]\npath = "models/a.onnx"\nranges = {x = [0, inf]}', "two finite numbers"),
        ('[[model]]\npath = "models/a.onnx"\nranges = {x = [1, 0]}', "LO not greater than HI"),
        ('[[model]]\npath = "models/a.onnx"\nmax_flips = 1.5', "below 100 %"),
        ('[[model]]\npath = "models/a.onnx"\nrtol = nan\natol = 0', "expected `float` >= 0.0"),
    ],
)
def test_slips_that_would_leave_something_out_are_refused(folder: Path, text: str, says: str) -> None:
    with pytest.raises(ParityGateError) as caught:
        plan(folder, text)
    assert says in str(caught.value)
    assert caught.value.exit_code == 2


def test_select_by_model_target_or_file(folder: Path) -> None:
    text = '[gate]\ntargets = ["onnx", "mlpackage"]\n[[model]]\npath = "models/**/*.onnx"'
    assert len(plan(folder, text, "models/a.onnx")) == 2
    assert len(plan(folder, text, "*/mlpackage")) == 3
    assert len(plan(folder, text, "c.onnx", "b.onnx/onnx", "models/b.onnx/onnx")) == 3
    with pytest.raises(ParityGateError, match="no model matches"):
        plan(folder, text, "d.onnx")


def test_all_shards_together_have_each_entry_once(folder: Path) -> None:
    entries = plan(folder, '[gate]\ntargets = ["onnx", "mlpackage"]\n[[model]]\npath = "models/**/*.onnx"')
    for count in (1, 2, 4, 7):
        parts = [Shard(index, count).part_of(entries) for index in range(1, count + 1)]
        assert sorted(names(sum(parts, ()))) == sorted(names(entries))


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "a/b", "1/0", "-1/2"])
def test_a_shard_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ParityGateError, match="NUMBER/COUNT"):
        Shard.parse(text)


ASKING = [
    ('path = "models/a.onnx"\ntrust = true', Allow.TRUST),
    ('path = "models/a.onnx"\nmetrics = ["m:f"]', Allow.CODE),
    ('path = "models/a.onnx"\nmetrics = ["cosine(y)", "m:f"]', Allow.CODE),
    ('path = "models/a.onnx"\nmetrics = ["top(y, truth=../labels.npy)"]', Allow.OUTSIDE),
    ('path = "nets:build"', Allow.CODE),
    ('path = "models/a.onnx"\npass_env = ["TOKEN"]', Allow.ENV),
    ('path = "../other.onnx"', Allow.OUTSIDE),
    ('path = "models/a.onnx"\nsamples = "../secret.npz"', Allow.OUTSIDE),
    ('path = "models/a.onnx"\ntargets = [{to = "onnx", output = "../../x.onnx"}]', Allow.OUTSIDE),
    ('path = "models/a.onnx"\ntimeout = "none"', Allow.LIMITS),
    ('path = "models/a.onnx"\nmemory_limit = 0', Allow.LIMITS),
]


@pytest.mark.parametrize(("table", "needed"), ASKING)
def test_what_a_file_may_not_decide_is_confirmed(folder: Path, table: str, needed: Allow) -> None:
    config = load_config(write_config(folder, f"[[model]]\n{table}\n"))
    others = frozenset(Allow) - {needed}
    with pytest.raises(ParityGateError, match=f"--allow {needed.value}") as caught:
        planned_entries(config, GateOptions(allow=others))
    assert caught.value.code == "PG222"
    assert planned_entries(config, GateOptions(allow=frozenset({needed})))


def test_a_link_that_leaves_the_folder_is_outside(folder: Path) -> None:
    (folder / "exported").symlink_to(folder.parent)
    config = load_config(write_config(folder, '[[model]]\npath = "models/a.onnx"\n'))
    with pytest.raises(ParityGateError, match="--allow outside"):
        planned_entries(config, GateOptions())


def test_a_plain_config_needs_no_confirmation(folder: Path) -> None:
    config = load_config(
        write_config(folder, '[[model]]\npath = "models/*.onnx"\ntimeout = 900\nmemory_limit = "2G"\n')
    )
    assert len(planned_entries(config, GateOptions())) == 2
