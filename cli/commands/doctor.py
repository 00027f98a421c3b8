"""``paritygate doctor``: what is installed, and what each framework unlocks."""

from __future__ import annotations

import click

from ..grouped import GroupedCommand
from ..options import JSON, PRINTING, options


@click.command(cls=GroupedCommand)
@options(JSON, PRINTING)
def doctor(as_json: bool, quiet: bool, debug: bool) -> int:
    """Print which frameworks are present, their versions, and what each unlocks; then the runtimes of --prove-in."""
    from paritygate.validate.doctor import examine, runtimes

    from ..output import show_frameworks

    show_frameworks(examine(), runtimes(), as_json=as_json)
    return 0
