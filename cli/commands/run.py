"""``paritygate run``: one model, the user's samples, its outputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..grouped import GroupedCommand
from ..options import ENGINE, JSON, LOADING, MODEL, PRINTING, RUNNING, SAMPLING, options
from ..parse import chosen

_EPILOG = """\b
Examples:
  paritygate run model.onnx --samples batch.npz -o out.npz
  paritygate run model.keras --seed 7 -o out.npz
  paritygate run classifier.onnx --samples holdout.csv -o scores.csv
"""


@click.command(cls=GroupedCommand, epilog=_EPILOG)
@click.argument("model", type=MODEL)
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help=".npz, .npy, .csv, .parquet or .json."
)
@options(LOADING, SAMPLING, ENGINE, RUNNING, JSON, PRINTING)
def run(model: str, output: Path, as_json: bool, quiet: bool, debug: bool, **given: Any) -> int:
    """Run MODEL on samples, print statistics of every output and write them to a file.

    OUTPUT's suffix decides: .npz (arrays by output name, all samples joined along the batch; NUMBER/NAME where they
    can't be joined), .npy (a model with one output), .csv or .parquet (a column per value of a row), .json.
    """
    from paritygate.validate import run as run_model

    from ..output import show_run
    from ..progress import progress

    with progress(silent=quiet or as_json) as on_event:
        done = run_model(model, output, **chosen(given), on_event=on_event)
    show_run(done, output, as_json=as_json, quiet=quiet)
    return 0
