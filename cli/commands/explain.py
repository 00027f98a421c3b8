"""``paritygate explain``: more about a code."""

from __future__ import annotations

import click


@click.command(epilog="\b\nExamples:\n  paritygate explain\n  paritygate explain PG301")
@click.argument("code", required=False)
def explain(code: str | None) -> int:
    """Tell more about an error or finding CODE; without one, list them all."""
    from paritygate.validate.catalog import CATALOG
    from paritygate.validate.errors import ExitCode, ParityGateError

    if code is None:
        for known, entry in CATALOG.items():
            click.echo(f"{known}  {entry.title}")
        return 0
    entry = CATALOG.get(code.upper())  # type: ignore[assignment]  # the loop above narrows the name
    if entry is None:
        raise ParityGateError("PG201", code, "no such code", "paritygate explain lists them all.")
    status = ExitCode(int(code[2]))
    click.echo(f"{code.upper()}: {entry.title} (exit status {status.value}, {status.name.lower()})\n\n{entry.text}")
    return 0
