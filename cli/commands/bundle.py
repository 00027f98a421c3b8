"""``paritygate bundle``: source model -> one file for its receiver, with the model and the proof."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..grouped import GroupedCommand
from ..options import COREML, FORMAT, JUDGING, LOADING, PRINTING, RUNNING, SAMPLING, SEARCHING, TARGET, options
from ..parse import chosen

_PATH = click.Path(path_type=Path)

_EPILOG = """\b
Examples:
  paritygate bundle model.keras -o model.parity.zip
  paritygate bundle pipeline.joblib -o pipeline.parity.zip --samples holdout.csv --license apache-2.0 --sign key.pem
  paritygate bundle model.keras -o model.parity.zip --artifact Model.mlpackage --redact
"""


@click.command(cls=GroupedCommand, epilog=_EPILOG)
@click.argument("source")
@click.option("-o", "--output", required=True, type=_PATH, help="Bundle to write, e.g. model.parity.zip.")
@click.option("--artifact", metavar="NAME", help="The model's name in it (default: as the bundle's, with .onnx).")
@click.option("--license", "licence", default="", metavar="SPDX", help="Licence of the model, e.g. apache-2.0.")
@click.option("--license-file", "licence_file", type=_PATH, help="The licence's text.")
@click.option("--sign", type=_PATH, metavar="KEY", help="Sign with this private key, PEM (needs [signing]).")
@options(TARGET, COREML, LOADING, SAMPLING, SEARCHING, JUDGING, RUNNING, FORMAT, PRINTING)
def bundle(
    source: str,
    output: Path,
    artifact: str | None,
    licence: str,
    licence_file: Path | None,
    sign: Path | None,
    format: str | None,
    quiet: bool,
    debug: bool,
    **given: Any,
) -> int:
    """Convert SOURCE, prove parity, and only then write the model with its proof into one file.

    The receiver checks it with `paritygate verify`, without the framework that SOURCE needs. See docs/bundle.md.
    """
    from paritygate.gate.bundle import BundleOptions
    from paritygate.gate.bundle import bundle as bundle_model

    from ..progress import progress
    from ..reporting import reporting

    reports = reporting().begin("bundle", source, str(output), chosen_format=format, quiet=quiet)
    contents = BundleOptions(artifact, licence, licence_file, sign, bool(given.get("redact")))
    with progress(silent=quiet or not reports.for_people) as on_event:
        conversion = bundle_model(source, output, contents, **chosen(given), on_event=on_event)
    reports.judged(conversion.report, conversion.path)
    return conversion.report.exit_code
