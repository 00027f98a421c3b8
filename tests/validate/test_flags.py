"""Every option has one flag and one keyword, and messages speak of the one that the reader can use."""

from __future__ import annotations

import click
import pytest

from paritygate.cli.main import cli
from paritygate.convert.options import ConvertKeywords
from paritygate.validate import ParityGateError
from paritygate.validate.keywords import RunModelKeywords, ValidateKeywords
from paritygate.validate.text.flags import in_keywords, keyword_of

KEYWORDS = {*ConvertKeywords.__annotations__, *ValidateKeywords.__annotations__, *RunModelKeywords.__annotations__}
NO_FLAG = {"constants", "example", "on_event"}
"""What no command line can give; ``constants`` are values among --input there."""

OPTIONS = [
    (max(option.opts, key=len), option.name)
    for command in ("convert", "validate", "run", "inspect")
    for option in cli.commands[command].params
    if isinstance(option, click.Option)
]


@pytest.mark.parametrize(("flag", "name"), sorted(set(OPTIONS)))
def test_a_flag_is_the_keyword_that_click_fills(flag: str, name: str) -> None:
    assert keyword_of(flag) == (name if name in KEYWORDS else None)


def test_every_keyword_has_a_flag() -> None:
    assert {keyword_of(flag) for flag, _ in OPTIONS} - {None} == KEYWORDS - NO_FLAG


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("Declare it with --input.", "Declare it with inputs."),
        ("Give them with --samples FILE.", "Give them with samples=FILE."),
        ("Leave --weights out.", "Leave weights out."),
        ("and --precision doesn't accept it", "and precision doesn't accept it"),
        ("accept it with --precision fp16.", "accept it with precision='fp16'."),
        ("Choose --opset 16 or newer.", "Choose opset=16 or newer."),
        ("--max-flips 0.5%, --min-snr DB", "max_flips='0.5%', min_snr=DB"),
        ("--tolerance a.b:0:1:RTOL:ATOL", "tolerances={'a.b:0:1': (RTOL, ATOL)}"),
        ("--range ids:0:7", "ranges={'ids': (0, 7)}"),
        ("--max-drop accuracy:0.01", "max_drop={'accuracy': 0.01}"),
        ("--bind a=b", "bind={'a': 'b'}"),
        ("--dynamic x:2", "dynamic=[('x', 2)]"),
        ("--input x:float32:N,3,32,32", "inputs=['x:float32:N,3,32,32']"),
        ("Pass --trust if you trust it.", "Pass trust=True if you trust it."),
        ("(--rtol/--atol)", "(rtol/atol)"),
        ("Run again with --debug.", "Run again with --debug."),
        ("paddle2onnx --model_dir . --save_file m.onnx", "paddle2onnx --model_dir . --save_file m.onnx"),
        (
            "paritygate convert a.py:f --input x:int64:1 -o b.onnx",
            "paritygate convert a.py:f --input x:int64:1 -o b.onnx",
        ),
    ],
)
def test_messages_are_said_in_keywords(typed: str, said: str) -> None:
    assert in_keywords(typed) == said


def test_an_error_speaks_of_keywords_in_python_and_of_flags_at_the_command_line() -> None:
    error = ParityGateError("PG201", "--opset 99", "too new", "Leave --opset out.")
    assert str(error) == "[PG201] opset=99: too new\n  Leave opset out."
    assert error.typed == "[PG201] --opset 99: too new\n  Leave --opset out."
    assert error.to_dict()["subject"] == "--opset 99"
