"""What somebody meets who types ``paritygate`` for the first time."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping

import click
import pytest
from click.testing import CliRunner

from paritygate.cli.colour import wants_colour
from paritygate.cli.main import cli
from paritygate.cli.progress import progress
from paritygate.validate.events import Event

ESCAPE = "\x1b["


def started(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": "", **variables}
    command = [sys.executable, "-m", "paritygate.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_without_a_command_it_prints_help() -> None:
    done = started()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: ")
    assert "Commands:" in done.stdout


@pytest.mark.parametrize("name", [name for name, command in cli.commands.items() if len(command.params) > 8])
def test_help_lists_every_option_once_in_sections(name: str) -> None:
    command = cli.commands[name]
    shown = CliRunner().invoke(cli, [name, "--help"]).output
    sections = re.findall(r"^(\w[\w ]*):$", shown, re.MULTILINE)
    assert "Printing" in sections
    assert len(set(sections)) == len(sections)
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert len(re.findall(rf"^  [^\n]*{parameter.opts[0]}\b(?!-)[^\n]*", shown, re.MULTILINE)) >= 1
    assert ESCAPE not in shown


COMPLETIONS = {
    ("paritygate conv", 1): {"plain,convert"},
    ("paritygate convert mod", 2): {"file,mod"},
    ("paritygate validate a.onnx b", 3): {"file,b"},
    ("paritygate convert m.onnx --samp", 3): {"plain,--samples"},
    ("paritygate convert m.onnx --samples hold", 4): {"file,hold"},
    ("paritygate convert m.onnx --precision ", 4): {"plain,fp32", "plain,fp16", "plain,mixed"},
}


@pytest.mark.parametrize(("words", "position"), COMPLETIONS)
def test_the_shell_completes(words: str, position: int) -> None:
    variables = {"COMP_WORDS": words, "COMP_CWORD": str(position), "_PARITYGATE_COMPLETE": "bash_complete"}
    done = started(**variables)
    assert (done.returncode, done.stderr) == (0, "")
    assert set(done.stdout.split()) == COMPLETIONS[words, position]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shells_script_is_printed_alone(shell: str) -> None:
    done = started(_PARITYGATE_COMPLETE=f"{shell}_source")
    assert done.returncode == 0
    assert f"_PARITYGATE_COMPLETE={shell}_complete" in done.stdout


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, None),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, None),
        ({"FORCE_COLOR": "1"}, True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
    ],
)
def test_variables_decide_about_colours(environment: Mapping[str, str], wanted: bool | None) -> None:
    assert wants_colour(environment) is wanted


@pytest.mark.parametrize(("variable", "coloured"), [("FORCE_COLOR", True), ("NO_COLOR", False)])
def test_help_is_coloured_on_request(variable: str, coloured: bool) -> None:
    assert (ESCAPE in started("convert", "--help", **{variable: "1"}).stdout) is coloured


def test_progress_counts_only_what_has_a_total(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress(silent=False) as listener:
        listener(Event("load m.onnx"))
        time.sleep(0.3)  # it draws ten times a second
        listener(Event("run samples", 3, 7))
        time.sleep(0.3)
    shown = terminal.getvalue()
    assert "load m.onnx" in shown
    assert "3/7" in shown
    assert "/?" not in shown
