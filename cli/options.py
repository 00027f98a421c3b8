"""Options that several commands share. Each is named like the field of the group of options that it fills."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any

import click

from paritygate.convert import option_texts as parse
from paritygate.convert.options import Precision, Quantize
from paritygate.convert.routes.registry import NAMES as ROUTES
from paritygate.convert.targets import DEFAULT_OPSET, TARGETS
from paritygate.validate.engines.elsewhere.catalog import RELEASES
from paritygate.validate.engines.registry import ENGINES, WITH_A_CHOICE, Format
from paritygate.validate.options import AcceptedPrecision, InputDtype, PolicyName
from paritygate.validate.report.format_names import ReportFormat
from paritygate.validate.sample_formats import SUFFIXES

from .grouped import put_into_section
from .parse import parsed
from .reporting import take_reports

Command = Callable[..., Any]
Decorator = Callable[[Command], Command]

_PATH = click.Path(path_type=Path)

MODEL = click.Path(path_type=str, readable=False)
"""A model's file or name: any text, but the shell completes files."""


def _choice(kind: type[StrEnum]) -> click.Choice[str]:
    """The values of an enum; given an enum itself, click would offer the members' names."""
    return click.Choice([member.value for member in kind])


def _engines_of(format: Format) -> str:
    default, *others = format.runtimes
    names = [f"{runtime.name} ({runtime.title}{f', {runtime.where} only' * bool(runtime.where)})" for runtime in others]
    return f"{format.title}: {', '.join([f'{default.name} ({default.title}, the default)', *names])}"


LOADING = (
    click.option("--signature", metavar="KEY", help="SavedModel signature to use (default: serving_default)."),
    click.option(
        "--weights",
        type=_PATH,
        metavar="FILE[:ENTRY]",
        help="Weights for a module:factory source: a checkpoint (.pt, .ckpt, .safetensors, .bin, an index of several "
        "files); ENTRY says which of those that it holds, e.g. last.pt:ema.",
    ),
    click.option(
        "--input",
        "inputs",
        multiple=True,
        metavar="NAME:DTYPE:SHAPE",
        callback=parsed(parse.parse_inputs),
        help="Declare an input of a model that doesn't say what it takes, e.g. x:float32:N,3,32,32; a part of a tuple, "
        "list or dictionary as a.0 or a.key; NAME=VALUE for an argument that stays the same, e.g. mask=None.",
    ),
    click.option(
        "--dynamic",
        multiple=True,
        metavar="NAME:AXIS[:LOW:HIGH]",
        callback=parsed(parse.parse_dynamic),
        help="Make an axis dynamic (axis 0 is, unless --input gives it a number); Core ML takes bounds.",
    ),
    click.option(
        "--trust", is_flag=True, default=None, help="Load files that can run code (unknown pickles, Lambda layers)."
    ),
    click.option(
        "--dtype",
        type=_choice(InputDtype),
        help="Width of inputs where the source leaves it open, as scikit-learn does (default: float32).",
    ),
)

SAMPLING = (
    click.option(
        "--samples",
        type=_PATH,
        help=f"{', '.join(SUFFIXES)}, or a folder of images or of ONNX test data (default: generated).",
    ),
    click.option("--seed", type=int, help="Seed of generated samples (default: 0)."),
    click.option(
        "--range",
        "ranges",
        multiple=True,
        metavar="NAME:LO:HI",
        callback=parsed(parse.parse_ranges),
        help="Range of an input's generated samples.",
    ),
    click.option("--batch", "batch_sizes", multiple=True, type=click.IntRange(1), help="Batch size; may be repeated."),
)

SEARCHING = (
    click.option(
        "--search",
        type=click.FloatRange(0, min_open=True),
        metavar="SECONDS",
        help="Search SECONDS for inputs on which the outputs differ.",
    ),
)

JUDGING = (
    click.option("--rtol", type=float, help="Relative tolerance for every output; needs --atol."),
    click.option("--atol", type=float, help="Absolute tolerance for every output; needs --rtol."),
    click.option(
        "--policy",
        type=_choice(PolicyName),
        help="How far an element may be off: by the measured rounding noise of the model (default), or by its dtype.",
    ),
    click.option(
        "--budget",
        type=click.FloatRange(0),
        metavar="SECONDS",
        help="Measure rounding noise for no longer; at least 3 runs are made, and fewer runs make a wider tolerance.",
    ),
    click.option(
        "--no-localise",
        "localise",
        flag_value=False,
        is_flag=True,
        default=None,
        help="After a failure, don't look for the first divergence and don't write a repro.",
    ),
    click.option(
        "--repro",
        type=_PATH,
        metavar="FOLDER",
        help="After a failure, write the smallest part that still fails to this new folder (convert: by default beside "
        "OUTPUT).",
    ),
    click.option(
        "--min-coverage",
        type=click.FloatRange(0, 1),
        metavar="SHARE",
        help="Don't pass if the samples exercise less than this share of the tables, branches or classes.",
    ),
    click.option(
        "--redact", is_flag=True, default=None, help="Leave values of the samples and outputs out of the report."
    ),
    click.option(
        "--second-opinion", is_flag=True, default=None, help="Run an ONNX candidate in onnx.reference too (slow)."
    ),
    click.option(
        "--tolerance",
        "tolerances",
        multiple=True,
        metavar="NAME:RTOL:ATOL",
        callback=parsed(parse.parse_tolerances),
        help="Tolerance of one output.",
    ),
    click.option(
        "--threshold",
        "thresholds",
        multiple=True,
        metavar="NAME:VALUE",
        callback=parsed(parse.parse_thresholds),
        help="Count the elements of an output that cross this decision threshold; may be repeated.",
    ),
    click.option(
        "--metric",
        "metrics",
        multiple=True,
        metavar="METRIC[:MAX_DIFF]",
        help='"top(logits, k=5):0.01" and others (docs/task-metrics.md), or MODULE:FUNCTION of your own, called with '
        "(outputs, inputs). Both models may differ by at most MAX_DIFF.",
    ),
    click.option(
        "--max-flips",
        metavar="SHARE",
        callback=parsed(parse.parse_share),
        help="Budget in place of the tolerance: the greatest share of rows that may change class, e.g. 0.5%.",
    ),
    click.option(
        "--max-drop",
        multiple=True,
        metavar="METRIC:VALUE",
        callback=parsed(parse.parse_drops),
        help="Budget: how far a --metric of the candidate may be below the reference's, e.g. accuracy:0.01.",
    ),
    click.option(
        "--min-snr",
        type=click.FloatRange(0, min_open=True),
        metavar="DB",
        help="Budget: the least signal-to-noise ratio of every output, in dB.",
    ),
    click.option(
        "--config",
        type=_PATH,
        help="File with waivers and defaults (default: paritygate.toml in this folder, if there is one).",
    ),
)

RUNNING = (
    click.option("--timeout", metavar="SECONDS", help="Per worker process (default: 480); 'none' for no limit."),
    click.option(
        "--memory-limit",
        metavar="SIZE",
        help="Per worker process, e.g. 4G, 800M or 50% of the machine's memory (default: 75%); 'none' for no limit.",
    ),
    click.option(
        "--pass-env", multiple=True, metavar="NAME", help="Pass this variable to workers, which get only a few of them."
    ),
    click.option("--keep", type=_PATH, help="Keep samples, outputs and logs in this new folder."),
)

ELSEWHERE = (
    click.option(
        "--prove-in",
        multiple=True,
        metavar="NAME[@VERSION]",
        callback=parsed(parse.parse_names),
        help=f"Parity must hold in this runtime, too; repeat it. {', '.join(r.full_name for r in RELEASES)}.",
    ),
)

ENGINE = (
    click.option(
        "--engine",
        type=click.Choice(ENGINES),
        help=f"What runs the model. {'; '.join(map(_engines_of, WITH_A_CHOICE))}; or both, compared.",
    ),
)

CANDIDATE = (
    click.option(
        "--precision",
        type=_choice(AcceptedPrecision),
        help="The coarsest type that CANDIDATE may compute in if REFERENCE computes in a finer one (default: fp32).",
    ),
)

TARGET = (
    click.option("--to", help=f"{', '.join(target.name for target in TARGETS)} (default: by OUTPUT's suffix)."),
    click.option("--route", help=f"Try only this route: {', '.join(ROUTES)} (default: the first that passes)."),
    click.option(
        "--opset",
        type=click.IntRange(1),
        help=f"ONNX opset (default: an ONNX source's own; else at most {DEFAULT_OPSET}, unless the model needs more).",
    ),
    click.option(
        "--precision",
        type=_choice(Precision),
        help="What the model computes in (default: fp32); mixed keeps in fp32 what fp16 would spoil.",
    ),
    click.option(
        "--quantize",
        type=_choice(Quantize),
        help="Quantise the proved model: 8 bits for weights and activations (dynamic, or static with ranges from the "
        "samples), or for weights alone (weights, weights-int4). Needs --samples and a budget such as --max-flips.",
    ),
)

COREML = (
    click.option("--deployment-target", metavar="OS", help="Core ML: oldest system to run on, e.g. iOS15 or macOS13."),
    click.option(
        "--image-input",
        "images",
        multiple=True,
        metavar="NAME:scale=S,bias=B,layout=RGB",
        callback=parsed(parse.parse_images),
        help="Core ML: make an input an image; pixel p means S*p+B (B one number, or R/G/B; layout RGB, BGR or GRAY).",
    ),
    click.option(
        "--class-labels",
        type=_PATH,
        metavar="FILE",
        callback=parsed(parse.read_labels),
        help="Core ML: names of the classes, one per line or a JSON list; makes the model a classifier.",
    ),
    click.option(
        "--shapes",
        multiple=True,
        metavar="NAME:1,3,64,64",
        callback=parsed(parse.parse_shapes),
        help="Core ML: a shape that an input may have; repeat it.",
    ),
)

BINDING = (
    click.option(
        "--bind",
        multiple=True,
        metavar="CANDIDATE=REFERENCE",
        callback=parsed(parse.parse_pairs),
        help="Bind outputs whose names differ.",
    ),
    click.option(
        "--bind-input",
        "bind_inputs",
        multiple=True,
        metavar="CANDIDATE=REFERENCE",
        callback=parsed(parse.parse_pairs),
        help="Bind inputs whose names differ.",
    ),
)

REPORT = (
    click.option(
        "--report",
        multiple=True,
        is_eager=True,  # before options whose texts may be refused: the reports tell that too
        expose_value=False,
        metavar="FORMAT[=FILE]",
        callback=take_reports,
        help=f"Write a report to FILE, or print it: {', '.join(format.value for format in ReportFormat)}; may be "
        "repeated (default: text; in GitHub Actions also annotations and the job summary).",
    ),
)

FORMAT = (
    *REPORT,
    click.option(
        "--format", "format", type=_choice(ReportFormat), help="The same as --report; json in the form of --json."
    ),
    click.option(
        "--json",
        "format",
        flag_value=ReportFormat.JSON.value,
        help="Print one JSON document on stdout and nothing else.",
    ),
)

JSON = (click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout and nothing else."),)

PRINTING = (
    click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors."),
    click.option("--debug", is_flag=True, help="Show tracebacks."),
)


_SECTIONS = (
    (TARGET, "Target"),
    (COREML, "Core ML"),
    (BINDING, "Names that differ"),
    (CANDIDATE, "Candidate"),
    (LOADING, "Loading the model"),
    (SAMPLING, "Samples"),
    (SEARCHING, "Samples"),
    (JUDGING, "Judging"),
    (ENGINE, "Running"),
    (RUNNING, "Running"),
    (ELSEWHERE, "Elsewhere"),
    (FORMAT, "Printing"),
    (JSON, "Printing"),
    (PRINTING, "Printing"),
)
"""Group -> the section of help that lists it."""


def _section(group: tuple[Decorator, ...]) -> str:
    """The section of a shared group; a command's own options are under the first heading."""
    return next((title for known, title in _SECTIONS if known is group), "Options")


def options(*groups: tuple[Decorator, ...]) -> Decorator:
    """Add groups of options to a command, in the order in which help lists them."""

    def decorate(command: Command) -> Command:
        for group in reversed(groups):
            for option in reversed(group):
                command = option(command)
                put_into_section(command, _section(group))
        return command

    return decorate
