"""``paritygate explain``: more about a code."""

from __future__ import annotations

import click


@click.command(epilog="\b\nExamples:\n  paritygate explain\n  paritygate explain PG301")
@click.argument("code", required=False)
def explain(code: str | None) -> int:
    """Tell more about an error or finding CODE; without one, list them all."""
    from paritygate.validate.catalog import CATALOG
    from paritygate.validate.errors import ParityGateError

    if code is None:
        for known, entry in CATALOG.items():
            click.echo(f"{known}  {entry.title}")
        return 0
    from paritygate.validate.guides import guide_of

    if code.upper() not in CATALOG:
        raise ParityGateError("PG201", code, "no such code", "paritygate explain lists them all.")
    click.echo(guide_of(code.upper()))
    return 0
