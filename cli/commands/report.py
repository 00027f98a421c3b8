"""``paritygate report``: reports from the JSON of earlier runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..options import PRINTING, REPORT, options

if TYPE_CHECKING:
    from paritygate.validate.report.document import Document

_EPILOG = """\b
Examples:
  paritygate report parity.json --report html=parity.html
  paritygate report a.json b.json --report junit=parity.xml --exit-status
  paritygate report merge shard-1.json shard-2.json -o gate.json --exit-status
"""

_FILES = click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
_EXIT_STATUS = click.option(
    "--exit-status", is_flag=True, help="End with the status that the reports' verdicts stand for (default: 0)."
)


class _ShowByDefault(click.Group):
    """A group whose first argument may be a file: then it is ``show``'s."""

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The named command, or ``show`` with all arguments."""
        known = args[0] in self.commands
        return super().resolve_command(context, args if known else ["show", *args])


@click.group(cls=_ShowByDefault, epilog=_EPILOG, context_settings={"ignore_unknown_options": True})
def report() -> int:
    """Show reports that --report json=FILE has written, in any format, or merge them.

    FILE.json ... alone is the same as show FILE.json ...
    """
    return 0


@report.command()
@_FILES
@_EXIT_STATUS
@options(REPORT, PRINTING)
def show(files: tuple[Path, ...], exit_status: bool, quiet: bool, debug: bool) -> int:
    """Show one or several FILES together, in the formats that --report names."""
    from paritygate.validate.report.merge import together
    from paritygate.validate.report.stored import read_document

    from ..reporting import reporting

    reports = reporting().begin("report", str(files[0]), "", quiet=quiet)
    document = together([(str(file), read_document(file)) for file in files])
    reports.publish(document)
    return _status(document) if exit_status else 0


@report.command()
@_FILES
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="JSON file to write.")
@_EXIT_STATUS
@options(REPORT, PRINTING)
def merge(files: tuple[Path, ...], output: Path, exit_status: bool, quiet: bool, debug: bool) -> int:
    """Join the reports of all shards of a gate, and write them as one."""
    from paritygate.validate.files.output import check_output, explaining
    from paritygate.validate.files.replace import write_text
    from paritygate.validate.report.merge import merged
    from paritygate.validate.report.render.json import render_document
    from paritygate.validate.report.stored import read_document

    from ..reporting import reporting

    reports = reporting().begin("report", str(files[0]), str(output), quiet=quiet)
    check_output(output, inputs=files)
    document = merged([(str(file), read_document(file)) for file in files])
    with explaining(str(output)):
        write_text(output, render_document(document))
    reports.publish(document)
    return _status(document) if exit_status else 0


def _status(document: Document) -> int:
    """What the command that made the document ended with: a gate's is by its own --fail-on."""
    from paritygate.gate.levels import FailOn, exit_code_of

    level = document.options.get("fail_on")
    if level not in list(FailOn) or not document.entries:
        return document.exit_code
    return exit_code_of(document.entries, FailOn(level))
