"""The config file: what it may hold, and what is said of a slip."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from gate_models import write_config

from paritygate.convert.options import ConvertOptions
from paritygate.gate.config import settings
from paritygate.gate.config.chosen import OPTIONS
from paritygate.gate.config.file import load_config
from paritygate.gate.config.schema import config_schema
from paritygate.gate.config.settings import ConvertSettings, Settings, ValidateSettings
from paritygate.validate.errors import ParityGateError
from paritygate.validate.expectations.config import TABLES
from paritygate.validate.keywords import option_names
from paritygate.validate.options import ValidateOptions

DOCS = Path(__file__).parents[2] / "docs"

NOT_IN_A_FILE = {"config", "keep", "repro", "example", "constants", "on_event", "to"}
"""The file itself, folders that must be new each time, what only a notebook has (constants are among the inputs'
texts), and a target's name, which stands in its own table."""


@pytest.mark.parametrize(
    ("settings", "options"), [(ConvertSettings, ConvertOptions()), (ValidateSettings, ValidateOptions())]
)
def test_every_option_of_the_library_can_stand_in_a_file(settings: type, options: object) -> None:
    assert set(settings.__struct_fields__) == set(option_names(options)) - NOT_IN_A_FILE
    assert set(settings.__struct_fields__) <= set(OPTIONS)


def test_the_waivers_reader_knows_the_tables() -> None:
    assert set(Settings.__struct_fields__) == set(TABLES)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[gat]", "unknown: gat\n  Did you mean gate?"),
        ("[gate]\njbs = 1", "paritygate.toml, gate: unknown key: jbs\n  Did you mean jobs?"),
        ('[[model]]\npath = "x"\noppset = 3', "model[0]: unknown key: oppset\n  Did you mean opset?"),
        (
            '[[model]]\npath = "x"\n[[model]]\npath = "y"\ntargets = ["onnx", {to = "onnx", opst = 3}]',
            "model[1].targets[1]: unknown key: opst\n  Did you mean opset?",
        ),
        ('[[model]]\npath = "x"\nimages = {x = {scal = 1}}', "unknown key: scal\n  Did you mean scale?"),
        ("[[model]]\npath = 3", "model[0].path: expected `str`, got `int`"),
        ('[[model]]\npath = "x"\nopset = 0', "model[0].opset: expected `int` >= 1"),
        ("[[model]]\nname = 'x'", "model[0]: object missing required field `path`"),
        ("[defaults]\nprecision = 'fp16'", "defaults: unknown key: precision"),
        ("[convert]\nprecision = 'fp17'", "convert.precision: invalid enum value 'fp17'"),
        ("[validate]\nprecision = 'mixed'", "validate.precision: invalid enum value 'mixed'"),
        ("[defaults]\nranges = {x = [0]}", "expected `array` of length 2, got 1"),
        ("[[waiver]]\noutput = 'y'", "missing: max_abs, reason, expires"),
        ("model = 3", "model: expected `array`, got `int`"),
    ],
)
def test_a_slip_is_refused_with_its_place(folder: Path, text: str, says: str) -> None:
    write_config(folder, text)
    with pytest.raises(ParityGateError) as caught:
        load_config()
    assert says in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_pyproject_holds_the_same_tables(folder: Path) -> None:
    text = (
        '[project]\nname = "x"\n[tool.paritygate.gate]\njobs = 3\n[[tool.paritygate.model]]\npath = "models/a.onnx"\n'
    )
    (folder / "pyproject.toml").write_text(text)
    config = load_config()
    assert config.path.name == "pyproject.toml"
    assert config.settings.gate.jobs == 3
    assert [model.path for model in config.settings.model] == ["models/a.onnx"]


def test_paritygate_toml_wins_over_a_pyproject(folder: Path) -> None:
    (folder / "pyproject.toml").write_text("[tool.paritygate.gate]\njobs = 3\n")
    write_config(folder, "[gate]\njobs = 4\n")
    assert load_config().settings.gate.jobs == 4


@pytest.mark.parametrize("text", ["[project]\nname = 'x'\n", "this is not TOML ["])
def test_a_pyproject_of_others_is_none_of_ours(folder: Path, text: str) -> None:
    (folder / "pyproject.toml").write_text(text)
    with pytest.raises(ParityGateError) as caught:
        load_config()
    assert caught.value.code == "PG220"


def test_the_published_schema_is_fresh() -> None:
    assert (DOCS / "paritygate.schema.json").read_text() == config_schema(), "python -m paritygate.gate.config.schema"


@pytest.mark.parametrize(
    ("content", "valid"),
    [
        ({"model": [{"path": "x", "targets": ["onnx", {"to": "mlpackage", "precision": "fp16"}]}]}, True),
        ({"model": [{"path": "x", "ranges": {"x": [0, 1]}, "thresholds": ["y:0.5"]}]}, True),
        ({"model": [{"path": "x", "opst": 1}]}, False),
        ({"gate": {"jobs": 0}}, False),
    ],
)
def test_the_schema_takes_what_the_reader_takes(content: dict[str, object], valid: bool) -> None:
    assert jsonschema.Draft202012Validator(json.loads(config_schema())).is_valid(content) is valid


@pytest.mark.parametrize(
    "struct",
    [
        Settings,
        settings.GateSettings,
        settings.ModelSettings,
        settings.TargetSettings,
        settings.OverrideSettings,
        settings.WaiverSettings,
        ValidateSettings,
        settings.Image,
    ],
)
def test_the_guide_names_every_key(struct: type) -> None:
    text = (DOCS / "gate.md").read_text()
    assert [name for name in struct.__struct_fields__ if f"`{name}`" not in text and f"[{name}]" not in text] == []


def test_the_guides_config_is_valid(folder: Path) -> None:
    text = (DOCS / "gate.md").read_text()
    write_config(folder, text[text.index("```toml") + 7 : text.index("```\n\n**Which value")])
    config = load_config()
    assert len(config.settings.model) == 2
    assert config.settings.model[1].ranges == {"image": (0, 255)}
