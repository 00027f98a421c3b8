"""``paritygate convert``: source model -> proved target file."""

from __future__ import annotations

from pathlib import Path
from typing import Unpack

import click

from ..options import JUDGING, LOADING, PRINTING, RUNNING, SAMPLING, options
from ..settings import SharedOptions

_EPILOG = """\b
Examples:
  paritygate convert saved_model/ -o model.onnx
  paritygate convert model.keras -o model.onnx --opset 18 --range image:0:255
  paritygate convert scripted.pt -o model.onnx --input x:float32:N,3,64,64
  paritygate convert nets.py:build --weights best.pt --input x:float32:N,16 -o net.onnx
  paritygate convert pipeline.joblib --samples holdout.csv -o pipeline.onnx
"""


@click.command(epilog=_EPILOG)
@click.argument("source")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="File to write, e.g. model.onnx.")
@click.option("--to", "target", help="Target format (default: by OUTPUT's suffix).")
@click.option("--opset", type=click.IntRange(1), help="ONNX opset (default: the newest that ONNX Runtime supports).")
@click.option(
    "--dtype",
    type=click.Choice(["float32", "float64"]),
    default="float32",
    show_default=True,
    help="Width of inputs where the source leaves it open (scikit-learn).",
)
@options(LOADING, SAMPLING, JUDGING, RUNNING, PRINTING)
def convert(
    source: str,
    output: Path,
    target: str | None,
    opset: int | None,
    dtype: str,
    as_json: bool,
    quiet: bool,
    debug: bool,
    **shared: Unpack[SharedOptions],
) -> int:
    """Convert SOURCE, prove parity on the same samples, and only then write OUTPUT.

    SOURCE is a SavedModel folder, .keras, .h5, .pb, .tflite, .pt2, .pt, a module:factory name, .joblib, .pkl,
    .skops or .onnx.
    """
    from paritygate.convert.pipeline import Job, run_job
    from paritygate.convert.routes.base import ConvertOptions

    from ..output import show_report
    from ..progress import progress
    from ..settings import load_options, settings

    with progress(silent=quiet or as_json) as on_event:
        job = Job(source, output, target, load_options(shared, dtype=dtype), ConvertOptions(opset=opset))
        conversion = run_job(job, settings(shared, on_event))
    show_report("convert", conversion.report, as_json=as_json, quiet=quiet, written=conversion.path)
    return conversion.report.exit_code
