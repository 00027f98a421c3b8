"""``paritygate init``: a starter for ``paritygate gate``."""

from __future__ import annotations

from pathlib import Path

import click

from paritygate.validate.text import printable_lines

from ..options import PRINTING, options


@click.command()
@click.argument("folder", default=".", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--schema", is_flag=True, help="Print the JSON schema of the config file, for editors, and write nothing."
)
@options(PRINTING)
def init(folder: Path, schema: bool, quiet: bool, debug: bool) -> int:
    """Write a paritygate.toml for the models in FOLDER (default: this one), for `paritygate gate`.

    An existing file is never overwritten.
    """
    from paritygate.gate.config.starter import write_starter

    if schema:
        from paritygate.gate.config.schema import config_schema

        click.echo(config_schema(), nl=False)
        return 0

    written = write_starter(folder)
    if not quiet:
        config = "" if folder == Path() else f" {written}"
        click.echo(printable_lines(f"written: {written}\nnext: paritygate gate{config} --dry-run"))
    return 0
