"""Options: one set of groups, filled alike by the command line, by keywords and by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest

from paritygate.cli.commands import convert as convert_command
from paritygate.cli.commands import inspect as inspect_command
from paritygate.cli.commands import run as run_command
from paritygate.cli.commands import validate as validate_command
from paritygate.cli.parse import chosen
from paritygate.convert.options import ConvertKeywords, ConvertOptions, Precision, TargetOptions
from paritygate.validate.errors import ParityGateError
from paritygate.validate.keywords import (
    InspectKeywords,
    RunModelKeywords,
    ValidateKeywords,
    option_names,
    with_keywords,
)
from paritygate.validate.options import (
    DynamicAxis,
    InputDtype,
    InspectOptions,
    JudgeOptions,
    LoadOptions,
    PolicyName,
    RunModelOptions,
    RunOptions,
    ValidateOptions,
)
from paritygate.validate.signature import TensorSpec
from paritygate.validate.verdict.policies import FixedPolicy

COMMANDS = {
    "convert": (convert_command.convert, ConvertOptions(), ["source", "-o", "out.onnx"]),
    "validate": (validate_command.validate, ValidateOptions(), ["reference", "candidate"]),
    "run": (run_command.run, RunModelOptions(), ["model", "-o", "out.npz"]),
    "inspect": (inspect_command.inspect, InspectOptions(), ["model"]),
}
PRINTING = {"as_json", "format", "quiet", "debug"}
LIBRARY_ONLY = {"example", "on_event", "constants"}
"""A live array and a callback, which no command line can give, and arguments that --input gives there."""


def given(name: str, *arguments: str) -> dict[str, Any]:
    """What a command line gives beyond the command's own arguments."""
    command, _, required = COMMANDS[name]
    context = click.Context(command)
    command.parse_args(context, [*required, *arguments])
    own = PRINTING | {p.name for p in command.params if isinstance(p, click.Argument)} | {"output"}
    return {key: value for key, value in chosen(context.params).items() if key not in own}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_without_options_has_the_librarys_defaults(name: str) -> None:
    _, defaults, _ = COMMANDS[name]
    assert with_keywords(defaults, given(name)) == defaults


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_group_is_on_the_command_line(name: str) -> None:
    command, defaults, _ = COMMANDS[name]
    on_command_line = {parameter.name for parameter in command.params}
    assert set(option_names(defaults)) - LIBRARY_ONLY - on_command_line == (
        {"engine"} if name in ("convert", "inspect") else set()
    )


@pytest.mark.parametrize(
    ("options", "keywords"),
    [
        (ConvertOptions(), ConvertKeywords),
        (ValidateOptions(), ValidateKeywords),
        (RunModelOptions(), RunModelKeywords),
        (InspectOptions(), InspectKeywords),
    ],
)
def test_keywords_are_the_fields_of_the_groups(options: Any, keywords: Any) -> None:
    assert sorted(option_names(options)) == sorted(keywords.__optional_keys__)


def test_keywords_take_the_forms_that_a_notebook_has() -> None:
    options = with_keywords(
        ConvertOptions(),
        {
            "inputs": ["x:float32:N,3", TensorSpec("y", "int64", ())],
            "dynamic": [("x", 1), ("x", 2, 1, 8)],
            "samples": "holdout.csv",
            "thresholds": {"p": 0.5, "q": [0.1, 0.9]},
            "shapes": {"x": [[1, 3]]},
            "precision": "fp16",
            "dtype": "float64",
            "policy": "table",
        },
    )
    assert options.load.inputs == (TensorSpec("x", "float32", ("N", 3)), TensorSpec("y", "int64", ()))
    assert options.load.dynamic == (DynamicAxis("x", 1), DynamicAxis("x", 2, 1, 8))
    assert (options.load.axes, options.load.ranges) == ((("x", 1), ("x", 2)), {("x", 2): (1, 8)})
    assert options.sample.samples == Path("holdout.csv")
    assert options.judge.thresholds == {"p": (0.5,), "q": (0.1, 0.9)}
    assert options.coreml.shapes == {"x": ((1, 3),)}
    assert options.target.precision is Precision.FP16
    assert options.load.dtype is InputDtype.FLOAT64
    assert options.judge.policy is PolicyName.TABLE


def test_keywords_replace_only_what_they_name() -> None:
    options = ValidateOptions(judge=JudgeOptions(localise=False), run=RunOptions(timeout=5))
    changed = with_keywords(options, {"seed": 3})
    assert (changed.sample.seed, changed.judge, changed.run) == (3, options.judge, options.run)


UNKNOWN = {
    "a policy": lambda: JudgeOptions(policy="computd"),  # type: ignore[arg-type]  # what a notebook might say
    "a precision": lambda: TargetOptions(precision="float16"),  # type: ignore[arg-type]
    "a width": lambda: LoadOptions(dtype="float16"),  # type: ignore[arg-type]
    "an engine": lambda: RunOptions(engine="cuda"),
    "a policy by keyword": lambda: with_keywords(ValidateOptions(), {"policy": "tabel"}),
    "an option": lambda: with_keywords(ValidateOptions(), {"polcy": "table"}),
    "an option of another command": lambda: with_keywords(ValidateOptions(), {"deployment_target": "iOS15"}),
}


@pytest.mark.parametrize("what", UNKNOWN)
def test_what_is_unknown_is_an_error_in_the_library_too(what: str) -> None:
    with pytest.raises(ParityGateError) as caught:
        UNKNOWN[what]()
    assert caught.value.code == "PG201"


def test_a_near_name_is_suggested() -> None:
    with pytest.raises(ParityGateError, match="Did you mean tolerances"):
        with_keywords(ValidateOptions(), {"tolerance": {}})


def test_a_policy_of_the_users_own_can_be_passed() -> None:
    from paritygate.validate.verdict.choice import choose_policy

    policy = FixedPolicy(1e-3, 1e-5)
    assert choose_policy(JudgeOptions(policy=policy)) is policy
    with pytest.raises(ParityGateError, match="exclude each other"):
        JudgeOptions(policy=policy, rtol=0.1, atol=0.1)
