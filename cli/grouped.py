"""Help that lists a command's options group by group."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

_OWN = "Options"
"""The section of a command's own options."""

_LAST = "Other"
"""The section of ``--help``, behind all others."""

_sections: dict[int, str] = {}


def put_into_section(command: Callable[..., Any], section: str) -> None:
    """Note the section of the option that was added to a command's function last."""
    _sections[id(command.__click_params__[-1])] = section  # type: ignore[attr-defined]  # click's own note of options


class GroupedCommand(click.Command):
    """A command whose help has a section for each group of options."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one section per group, in the order in which the command takes them."""
        rows: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            row = parameter.get_help_record(ctx)
            if row is not None and row[1]:  # the usage line has the arguments
                last = _LAST if parameter is self.get_help_option(ctx) else _OWN
                rows.setdefault(_sections.get(id(parameter), last), []).append(row)
        for section, entries in rows.items():
            with formatter.section(click.style(section, bold=True)):
                formatter.write_dl([(click.style(names, fg="cyan"), text) for names, text in entries])
