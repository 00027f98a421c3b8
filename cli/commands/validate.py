"""``paritygate validate``: do two models agree?"""

from __future__ import annotations

from typing import Unpack

import click

from ..options import ENGINE, JUDGING, LOADING, PRINTING, RUNNING, SAMPLING, options, parse_pairs
from ..settings import SharedOptions

_EPILOG = """\b
Examples:
  paritygate validate model.keras model.onnx
  paritygate validate old.onnx new.onnx --samples test_data_set_0/ --rtol 0 --atol 0
  paritygate validate model.pt2 model.onnx --bind logits=output_0
"""


@click.command(epilog=_EPILOG)
@click.argument("reference")
@click.argument("candidate")
@click.option("--bind", "bind", multiple=True, metavar="CANDIDATE=REFERENCE", help="Bind outputs whose names differ.")
@click.option(
    "--bind-input", "bind_input", multiple=True, metavar="CANDIDATE=REFERENCE", help="Bind inputs whose names differ."
)
@options(LOADING, SAMPLING, JUDGING, ENGINE, RUNNING, PRINTING)
def validate(
    reference: str,
    candidate: str,
    bind: tuple[str, ...],
    bind_input: tuple[str, ...],
    as_json: bool,
    quiet: bool,
    debug: bool,
    **shared: Unpack[SharedOptions],
) -> int:
    """Run REFERENCE and CANDIDATE on the same samples and compare every output.

    Inputs and outputs are bound by equal names, or as --bind and --bind-input say; nothing is guessed. The
    loading options speak of REFERENCE.
    """
    from paritygate.validate.session import run_session
    from paritygate.validate.workers.job import Bindings

    from ..output import show_report
    from ..progress import progress
    from ..settings import load_options, settings

    bindings = Bindings(parse_pairs(bind_input, "--bind-input"), parse_pairs(bind, "--bind"))
    with progress(silent=quiet or as_json) as on_event:
        report = run_session(reference, candidate, load_options(shared), bindings, settings(shared, on_event))
    show_report("validate", report, as_json=as_json, quiet=quiet)
    return report.exit_code
