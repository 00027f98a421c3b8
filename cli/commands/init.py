"""``paritygate init``: a starter for ``paritygate gate``."""

from __future__ import annotations

from pathlib import Path

import click

from paritygate.validate.text import printable

from ..options import PRINTING, options


@click.command()
@click.argument("folder", default=".", type=click.Path(path_type=Path, exists=True, file_okay=False))
@options(PRINTING)
def init(folder: Path, quiet: bool, debug: bool) -> int:
    """Write a paritygate.toml for the models in FOLDER (default: this one), for `paritygate gate`.

    An existing file is never overwritten.
    """
    from paritygate.gate.starter import write_starter

    written = write_starter(folder)
    if not quiet:
        click.echo(
            printable(f"written: {written}\nNext: paritygate gate --dry-run {'' if folder == Path() else written}")
        )
    return 0
