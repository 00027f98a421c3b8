"""``paritygate verify``: is a bundle whole, signed, and does its model still agree on this machine?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..grouped import GroupedCommand
from ..options import FORMAT, PRINTING, RUNNING, options
from ..parse import chosen

_EPILOG = """\b
Examples:
  paritygate verify model.parity.zip
  paritygate verify model.parity.zip --key sender.pub.pem
  paritygate verify model.parity.zip --provider CUDAExecutionProvider
"""


@click.command(cls=GroupedCommand, epilog=_EPILOG)
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--key", type=click.Path(path_type=Path), help="The sender's public key, PEM: check the signatures.")
@click.option("--provider", default="", metavar="NAME", help="Execution provider to run on (default: the CPU's).")
@options(RUNNING, FORMAT, PRINTING)
def verify(
    bundle: Path, key: Path | None, provider: str, format: str | None, quiet: bool, debug: bool, **given: Any
) -> int:
    """Check the hashes, the signature and the parity of BUNDLE on this machine, without the source's framework."""
    from paritygate.gate.bundle import verify as verify_bundle
    from paritygate.validate.options import RunOptions

    from ..progress import progress
    from ..reporting import reporting

    reports = reporting().begin("verify", str(bundle), provider, chosen_format=format, quiet=quiet)
    with progress(silent=quiet or not reports.for_people) as on_event:
        run = RunOptions(**chosen(given), on_event=on_event)
        report = verify_bundle(bundle, key=key, provider=provider, run=run)
    reports.judged(report)
    return report.exit_code
