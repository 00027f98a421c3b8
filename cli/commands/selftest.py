"""``paritygate selftest``: does the harness notice what it must?"""

from __future__ import annotations

import click

from ..grouped import GroupedCommand
from ..options import JSON, PRINTING, options


@click.command(cls=GroupedCommand, epilog="\b\nExample:\n  paritygate selftest")
@options(JSON, PRINTING)
def selftest(as_json: bool, quiet: bool, debug: bool) -> int:
    """Put known faults into a small model and check that each is noticed (some ten seconds).

    The models are made on the spot and run like a user's: in workers, by ONNX Runtime. The exit status is 3 when
    anything goes unnoticed: then no pass of this installation is worth anything.
    """
    from paritygate.validate.errors import ParityGateError
    from paritygate.validate.selftest import run_selftest

    from ..output import show_selftest
    from ..progress import progress

    with progress(silent=quiet or as_json) as on_event:
        trials = run_selftest(on_event)
    missed = [trial.name for trial in trials if not trial.noticed]
    if not (as_json and missed):
        show_selftest(trials, as_json=as_json, quiet=quiet)
    if missed:
        raise ParityGateError(
            "PG311",
            "selftest",
            f"{len(missed)} of {len(trials)} cases went wrong: {', '.join(missed)}",
            "Don't rely on this installation; compare its packages with constraints.txt (paritygate doctor).",
        )
    return 0
