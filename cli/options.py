"""Options that several commands share, and how their texts become values."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from paritygate.validate.engines.registry import COREML_ENGINES, OURS, POLICIES

Command = Callable[..., Any]

LOADING = (
    click.option("--signature", metavar="KEY", help="SavedModel signature to use (default: serving_default)."),
    click.option("--weights", type=click.Path(path_type=Path), help="State dict for a module:factory source."),
    click.option(
        "--input",
        "inputs",
        multiple=True,
        metavar="NAME:DTYPE:SHAPE",
        help="Declare an input of a model that doesn't say what it takes, e.g. x:float32:N,3,32,32.",
    ),
    click.option(
        "--dynamic",
        multiple=True,
        metavar="NAME:AXIS[:LOW:HIGH]",
        help="Make an axis dynamic (axis 0 is so by default); Core ML takes bounds.",
    ),
    click.option("--trust", is_flag=True, help="Load files that can run code (unknown pickles, Lambda layers)."),
)

SAMPLING = (
    click.option(
        "--samples",
        type=click.Path(path_type=Path),
        help=".npz, .npy, .csv, .parquet, .json, a folder of images or of ONNX test data (default: generated).",
    ),
    click.option("--seed", default=0, show_default=True, help="Seed of generated samples."),
    click.option(
        "--range", "ranges", multiple=True, metavar="NAME:LO:HI", help="Range of an input's generated samples."
    ),
    click.option("--batch", "batches", multiple=True, type=click.IntRange(1), help="Batch size; may be repeated."),
)

JUDGING = (
    click.option("--rtol", type=float, help="Relative tolerance for every output; needs --atol."),
    click.option("--atol", type=float, help="Absolute tolerance for every output; needs --rtol."),
    click.option(
        "--policy",
        type=click.Choice(POLICIES),
        help="How far an element may be off: by the measured rounding of this model (default), or by its dtype alone.",
    ),
    click.option(
        "--budget",
        type=click.FloatRange(0),
        metavar="SECONDS",
        help="For measuring the rounding (default: half of the conversion's time; 3 runs at the least).",
    ),
    click.option(
        "--no-localise",
        "localise",
        is_flag=True,
        flag_value=False,
        default=True,
        help="After a failure don't look for the layer where numbers part, and don't write a repro.",
    ),
    click.option("--second-opinion", is_flag=True, help="Run an ONNX candidate in onnx.reference, too (slow)."),
    click.option("--tolerance", "tolerances", multiple=True, metavar="NAME:RTOL:ATOL", help="Tolerance of one output."),
    click.option(
        "--threshold",
        "thresholds",
        multiple=True,
        metavar="NAME:VALUE",
        help="Count the elements of an output that cross this decision threshold; may be repeated.",
    ),
    click.option(
        "--metric",
        "metrics",
        multiple=True,
        metavar="MODULE:FUNCTION[:MAX_DIFF]",
        help="Measure function(outputs, inputs) on both sides; fail if they differ by more than MAX_DIFF.",
    ),
    click.option(
        "--config",
        type=click.Path(path_type=Path),
        help="File with waivers (default: paritygate.toml in this folder, if there is one).",
    ),
    click.option(
        "--search",
        type=click.FloatRange(0, min_open=True),
        metavar="SECONDS",
        help="Look for inputs on which the models part, for so long.",
    ),
)

RUNNING = (
    click.option("--timeout", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help="Per worker process."),
    click.option("--memory-limit", metavar="SIZE", help="Per worker process, e.g. 4G or 800M."),
    click.option("--keep", type=click.Path(path_type=Path), help="Keep samples, outputs, logs in this new folder."),
)

ENGINE = (
    click.option(
        "--engine",
        default=OURS,
        show_default=True,
        type=click.Choice(COREML_ENGINES),
        help="What runs Core ML models: paritygate's engine, Apple's framework (macOS only), or both, compared.",
    ),
)

PRINTING = (
    click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout and nothing else."),
    click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors."),
    click.option("--debug", is_flag=True, help="Show tracebacks."),
)


def options(*groups: tuple[Callable[[Command], Command], ...]) -> Callable[[Command], Command]:
    """Add groups of options to a command, in the order in which help shall list them."""

    def decorate(command: Command) -> Command:
        for option in reversed([option for group in groups for option in group]):
            command = option(command)
        return command

    return decorate


def parse_dynamic(texts: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
    """``NAME:AXIS`` or ``NAME:AXIS:LOW:HIGH`` -> (name, axis); the name may hold colons."""
    return tuple((name, axis) for name, axis, _ in map(_dynamic, texts))


def parse_bounds(texts: tuple[str, ...]) -> dict[tuple[str, int], tuple[int, int]]:
    """``NAME:AXIS:LOW:HIGH`` -> (name, axis): (low, high), of those texts that have bounds."""
    return {(name, axis): bounds for name, axis, bounds in map(_dynamic, texts) if bounds}


_DYNAMIC = re.compile(r"(?P<name>.+?):(?P<axis>\d+)(:(?P<low>\d+):(?P<high>\d+))?")


def _dynamic(text: str) -> tuple[str, int, tuple[int, int] | None]:
    found = _DYNAMIC.fullmatch(text)
    bounds = (int(found["low"]), int(found["high"])) if found and found["low"] else None
    if not found or (bounds and not 0 < bounds[0] <= bounds[1]):
        raise click.BadParameter(f"{text!r} is not NAME:AXIS or NAME:AXIS:LOW:HIGH, e.g. x:2", param_hint="--dynamic")
    return found["name"], int(found["axis"]), bounds


def parse_pairs(texts: tuple[str, ...], option: str) -> dict[str, str]:
    """``LEFT=RIGHT`` texts as a dictionary."""
    pairs = {}
    for text in texts:
        left, equals, right = text.partition("=")
        if not (left and equals and right):
            raise click.BadParameter(f"{text!r} is not CANDIDATE=REFERENCE", param_hint=option)
        pairs[left] = right
    return pairs


def parse_size(text: str | None) -> int | None:
    """``4G``, ``800M``, ``1048576`` -> bytes."""
    if text is None:
        return None
    units = {"K": 2**10, "M": 2**20, "G": 2**30}
    number, unit = (text[:-1], units[text[-1].upper()]) if text[-1:].upper() in units else (text, 1)
    try:
        size = int(float(number) * unit)
    except ValueError:
        size = 0
    if size <= 0:
        raise click.BadParameter(f"{text!r} is not a size such as 4G or 800M", param_hint="--memory-limit")
    return size
