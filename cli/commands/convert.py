"""``paritygate convert``: source model -> proved target file."""

from __future__ import annotations

from pathlib import Path
from typing import Unpack

import click

from ..coreml_options import COREML, CoreMLOptions, convert_options
from ..options import JUDGING, LOADING, PRINTING, RUNNING, SAMPLING, options
from ..settings import SharedOptions

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


class _Options(SharedOptions, CoreMLOptions, total=False):
    """All that is passed on as it is."""


@click.command(epilog=_EPILOG)
@click.argument("source")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="File to write, e.g. model.onnx.")
@click.option("--to", "target", help="onnx, mlmodel or mlpackage (default: by OUTPUT's suffix).")
@click.option(
    "--route", help="Take this way only: direct or onnx, coremltools, native (default: the first that passes)."
)
@click.option("--opset", type=click.IntRange(1), help="ONNX opset (default: the newest that ONNX Runtime supports).")
@click.option(
    "--dtype",
    type=click.Choice(["float32", "float64"]),
    default="float32",
    show_default=True,
    help="Width of inputs where the source leaves it open (scikit-learn).",
)
@options(COREML, LOADING, SAMPLING, JUDGING, RUNNING, PRINTING)
def convert(
    source: str,
    output: Path,
    target: str | None,
    route: str | None,
    opset: int | None,
    dtype: str,
    as_json: bool,
    quiet: bool,
    debug: bool,
    **shared: Unpack[_Options],
) -> int:
    """Convert SOURCE, prove parity on the same samples, and only then write OUTPUT.

    SOURCE is a SavedModel folder, .keras, .h5, .pb, .tflite, .pt2, .pt, a module:factory name, .joblib, .pkl,
    .skops, .onnx, .mlmodel or .mlpackage. OUTPUT is an .onnx, .mlmodel or .mlpackage.
    """
    from paritygate.convert.pipeline import Job, run_job

    from ..output import show_report
    from ..progress import progress
    from ..settings import load_options, settings

    with progress(silent=quiet or as_json) as on_event:
        job = Job(source, output, target, load_options(shared, dtype=dtype), convert_options(shared, opset), route)
        conversion = run_job(job, settings(shared, on_event))
    show_report("convert", conversion.report, as_json=as_json, quiet=quiet, written=conversion.path)
    return conversion.report.exit_code
