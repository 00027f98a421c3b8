"""``paritygate convert``: source model -> proved target file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from paritygate.convert.targets import TARGETS
from paritygate.validate.engines.registry import FORMATS

from ..grouped import GroupedCommand
from ..options import (
    COREML,
    ELSEWHERE,
    FORMAT,
    JUDGING,
    LOADING,
    MODEL,
    PRINTING,
    RUNNING,
    SAMPLING,
    SEARCHING,
    TARGET,
    options,
)
from ..parse import chosen

_EPILOG = """\b
Examples:
  paritygate convert saved_model/ -o model.onnx
  paritygate convert model.keras -o model.onnx --opset 18 --range image:0:255
  paritygate convert scripted.pt -o model.onnx --input x:float32:N,3,64,64
  paritygate convert nets.py:build --weights best.pt --input x:float32:N,16 -o net.onnx
  paritygate convert pipeline.joblib --samples holdout.csv -o pipeline.onnx
  paritygate convert model.keras -o Model.mlpackage --precision fp16 --image-input image:scale=0.0078431,bias=-1
  paritygate convert model.keras -o model.onnx --prove-in onnxruntime@1.16,openvino
  paritygate convert forest.joblib -o Forest.mlmodel --deployment-target iOS13
"""


_HELP = f"""Convert SOURCE, prove parity on the same samples, and only then write OUTPUT.

SOURCE is one of {", ".join(suffix for format in FORMATS for suffix in format.suffixes)}; or what has no suffix of its
own: {", ".join(format.title for format in FORMATS if not format.suffixes)}. OUTPUT is one of
{", ".join(suffix for target in TARGETS for suffix in target.suffixes)}.
"""


@click.command(cls=GroupedCommand, epilog=_EPILOG, help=_HELP)
@click.argument("source", type=MODEL)
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="File to write, e.g. model.onnx.")
@options(TARGET, COREML, LOADING, SAMPLING, SEARCHING, JUDGING, RUNNING, ELSEWHERE, FORMAT, PRINTING)
def convert(source: str, output: Path, format: str | None, quiet: bool, debug: bool, **given: Any) -> int:
    """Convert, print the report, return the exit status."""
    from paritygate.convert import convert as convert_model
    from paritygate.convert.options import ConvertOptions
    from paritygate.gate.config.defaults import convert_defaults
    from paritygate.validate.keywords import with_keywords

    from ..output import show_defaults
    from ..progress import progress
    from ..reporting import reporting

    reports = reporting().begin("convert", source, str(output), chosen_format=format, quiet=quiet)
    typed = chosen(given)
    defaults = convert_defaults(typed, source, output)
    show_defaults(defaults, silent=quiet)
    options = with_keywords(ConvertOptions(), defaults | typed)
    reports.chose(options)
    with progress(silent=quiet or not reports.for_people) as on_event:
        conversion = convert_model(source, output, options, on_event=on_event)
    reports.judged(conversion.report, conversion.path)
    return conversion.report.exit_code
