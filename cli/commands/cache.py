"""``paritygate cache``: what the gate has kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from paritygate.validate.text import printable

if TYPE_CHECKING:
    from paritygate.gate.cache.store import Usage

_ACTIONS = ("show", "clear", "prune")


@click.command()
@click.argument("action", type=click.Choice(_ACTIONS), default="show")
@click.option("--days", type=click.FloatRange(0), default=30.0, show_default=True, help="prune: unused for longer.")
def cache(action: str, days: float) -> int:
    """Show how much the cache of `paritygate gate` holds, clear it, or prune what was not used lately.

    The folder is PARITYGATE_CACHE, else paritygate in XDG_CACHE_HOME or ~/.cache.
    """
    from paritygate.gate.cache.store import Store, cache_folder

    store = Store(cache_folder())
    if action == "show":
        click.echo(printable(f"{cache_folder()}: {_said(store.usage())}"))
    else:
        click.echo(f"removed: {_said(store.clear() if action == 'clear' else store.prune(days))}")
    return 0


def _said(usage: Usage) -> str:
    return f"{usage.entries} {'entry' if usage.entries == 1 else 'entries'}, {usage.bytes / 2**20:.1f} MiB"
