"""The config file, ``paritygate.toml``."""

from __future__ import annotations

from datetime import date

import pytest

from paritygate.validate.errors import ParityGateError
from paritygate.validate.expectations.config import find_config, read_waivers
from paritygate.validate.report.user_checks import Waiver

GOOD = """
[[waiver]]
output = "logits"
max_abs = 1
reason = "because"
expires = 2026-12-31
model = "old*.onnx"
signed_off_by = "Ada"

[[waiver]]
output = "boxes"
max_abs = 2e-3
reason = "because"
expires = 2026-12-31
"""


def test_a_config_file(tmp_path):
    path = tmp_path / "paritygate.toml"
    path.write_text(GOOD)
    first, second = read_waivers(path)
    assert first == Waiver("logits", 1.0, "because", date(2026, 12, 31), "old*.onnx", "Ada")
    assert (second.output, second.model, second.signed_off_by) == ("boxes", "*", "")


@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [
        pytest.param('reason = "because"\n', "", "missing: reason", id="no reason"),
        pytest.param("expires = 2026-12-31\n", "", "missing: expires", id="no last day"),
        pytest.param('output = "logits"\n', "", "missing: output", id="no output"),
        pytest.param("max_abs = 1\n", "", "missing: max_abs", id="no bound"),
        pytest.param('"because"', '" "', "not empty: reason", id="an empty reason"),
        pytest.param("max_abs = 1\n", "max_abs = 0\n", "above 0", id="a bound of 0"),
        pytest.param("max_abs = 1\n", "max_abs = inf\n", "above 0", id="an infinite bound"),
        pytest.param("max_abs = 1\n", "max_abs = nan\n", "above 0", id="NaN"),
        pytest.param("max_abs = 1\n", "max_abs = true\n", "above 0", id="a boolean"),
        pytest.param("max_abs = 1\n", "max_abs = '1'\n", "above 0", id="text for a number"),
        pytest.param("2026-12-31", "'2026-12-31'", "not a date", id="a date as text"),
        pytest.param("2026-12-31", "2026-12-31T00:00:00", "not a date", id="a time"),
        pytest.param("signed_off_by", "signed_of_by", "unknown: signed_of_by", id="a misspelt key"),
        pytest.param("[[waiver]]", "[[waivers]]", "unknown: waivers", id="a misspelt table"),
        pytest.param("[[waiver]]", "[waiver", "not TOML", id="no TOML"),
        pytest.param(GOOD, "waiver = 3", "not a list of tables", id="no tables"),
    ],
)
def test_invalid_files(old, new, cause, tmp_path):
    path = tmp_path / "c.toml"
    path.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(ParityGateError, match="PG201") as caught:
        read_waivers(path)
    assert cause in caught.value.cause


def test_a_pyproject_may_hold_the_waivers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    project = tmp_path / "pyproject.toml"
    project.write_text("[tool.other]\nx = 1\n")
    assert find_config(None) is None
    project.write_text("[tool.other]\nx = 1\n" + GOOD.replace("[[waiver]]", "[[tool.paritygate.waiver]]"))
    assert read_waivers(find_config(None)) == read_waivers(_written(tmp_path / "c.toml", GOOD))
    project.write_text("[tool.paritygate]\nwaver = []\n")
    with pytest.raises(ParityGateError, match="Did you mean waiver"):
        read_waivers(find_config(None))


def _written(path, text):
    path.write_text(text)
    return path


def test_finding_the_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_config(None) is None
    assert read_waivers(None) == ()
    (tmp_path / "paritygate.toml").write_text("")
    assert find_config(None).name == "paritygate.toml"
    assert read_waivers(find_config(None)) == ()
    with pytest.raises(ParityGateError, match="PG202"):
        read_waivers(find_config(tmp_path / "nope.toml"))
