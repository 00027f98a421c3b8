"""``paritygate convert``: source model -> proved target file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..options import COREML, FORMAT, JUDGING, LOADING, PRINTING, RUNNING, SAMPLING, SEARCHING, TARGET, options
from ..parse import chosen

_EPILOG = """\b
Examples:
  paritygate convert saved_model/ -o model.onnx
  paritygate convert model.keras -o model.onnx --opset 18 --range image:0:255
  paritygate convert scripted.pt -o model.onnx --input x:float32:N,3,64,64
  paritygate convert nets.py:build --weights best.pt --input x:float32:N,16 -o net.onnx
  paritygate convert pipeline.joblib --samples holdout.csv -o pipeline.onnx
  paritygate convert model.keras -o Model.mlpackage --precision fp16 --image-input image:scale=0.0078431,bias=-1
  paritygate convert forest.joblib -o Forest.mlmodel --deployment-target iOS13
"""


@click.command(epilog=_EPILOG)
@click.argument("source")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="File to write, e.g. model.onnx.")
@options(TARGET, COREML, LOADING, SAMPLING, SEARCHING, JUDGING, RUNNING, FORMAT, PRINTING)
def convert(source: str, output: Path, format: str, quiet: bool, debug: bool, **given: Any) -> int:
    """Convert SOURCE, prove parity on the same samples, and only then write OUTPUT.

    SOURCE is a SavedModel folder, .keras, .h5, .pb, .tflite, .pt2, .pt, a module:factory name, .joblib, .pkl,
    .skops, .onnx, .mlmodel or .mlpackage. OUTPUT is an .onnx, .mlmodel or .mlpackage.
    """
    from paritygate.convert import convert as convert_model
    from paritygate.validate.report.render.formats import Outcome, ReportFormat

    from ..output import show_report
    from ..progress import progress

    with progress(silent=quiet or format != ReportFormat.TEXT) as on_event:
        conversion = convert_model(source, output, **chosen(given), on_event=on_event)
    show_report(Outcome("convert", conversion.report, conversion.path), ReportFormat(format), quiet=quiet)
    return conversion.report.exit_code
