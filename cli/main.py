"""``paritygate``: the command group, and how errors become exit statuses."""

from __future__ import annotations

import io
import itertools
import os
import select
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress

import click

from paritygate.validate.errors import ParityGateError
from paritygate.validate.files.output import explained
from paritygate.validate.text import printable_lines

from . import interrupt
from .colour import wants_colour
from .commands.bundle import bundle
from .commands.cache import cache
from .commands.check import check
from .commands.convert import convert
from .commands.doctor import doctor
from .commands.explain import explain
from .commands.gate import gate
from .commands.init import init
from .commands.inspect import inspect
from .commands.report import report
from .commands.run import run
from .commands.selftest import selftest
from .commands.targets import targets
from .commands.validate import validate
from .commands.verify import verify
from .reporting import Reporting

_EPILOG = """\b
Exit status:
  0  parity holds (and the file is written)
  1  parity fails; nothing written
  2  usage or configuration error
  3  inconclusive: could not be verified; nothing written
  4  the source can't be read or converted
  5  refused as unsafe

\b
Examples:
  paritygate convert model.keras -o model.onnx
  paritygate convert pipeline.joblib --samples holdout.csv -o pipeline.onnx
  paritygate validate model.pt2 model.onnx --samples batch.npz
  paritygate check model.onnx --target onnxruntime@1.16 --target tensorrt
  paritygate explain PG101
"""

_COMPLETION = "_PARITYGATE_COMPLETE"
"""The shell's completion sets it; nothing but candidates may be printed then."""


@click.group(
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=_EPILOG,
)
@click.version_option(package_name="paritygate")
@click.pass_context
def cli(context: click.Context) -> int:
    """Convert models, prove numerical parity, and only then export."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), color=context.color)
    return 0


for _command in (
    *(convert, validate, bundle, verify),
    *(gate, report, init, cache),
    *(check, targets, run, inspect, doctor, explain, selftest),
):
    cli.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point: runs a command and exits with its status, 1 only where parity fails."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    _print_anything()
    if _COMPLETION in os.environ:
        cli.main(args=given, prog_name="paritygate", complete_var=_COMPLETION)
    interrupt.install()
    reports = Reporting(tuple(given))
    try:
        status = _status_of(given, reports)
        sys.stdout.flush()
    except OSError as error:  # standard output is full, or nobody reads it any longer
        status = _failed(error, given, reports)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python would try to flush it once more
    sys.exit(status)


def _status_of(given: list[str], reports: Reporting) -> int:
    try:
        status: int = cli.main(
            args=given, prog_name="paritygate", standalone_mode=False, obj=reports, color=wants_colour(os.environ)
        )
    except interrupt.Interrupted as error:
        return _interrupted(error)
    except SystemExit as error:  # click's for a closed standard output, or the user's code's
        return _failed(_ended(error), given, reports)
    except Exception as error:  # noqa: BLE001  # the outermost frame: not even a bug shows a user its traceback
        try:
            interrupt.check()
        except interrupt.Interrupted as signalled:  # which may have hit a library where it can't stand it
            return _interrupted(signalled)
        return _failed(error, given, reports)
    return status


def _interrupted(error: interrupt.Interrupted) -> int:
    click.echo("paritygate: interrupted; OUTPUT is either what it was or the complete new file", err=True)
    return int(str(error.code))


def _ended(error: SystemExit) -> ParityGateError:
    """What click and the user's own code mean by it: their statuses aren't ours."""
    if _nobody_reads():
        return ParityGateError("PG205", "standard output", "whoever reads it has closed it")
    return ParityGateError("PG308", "command", f"the user's code ended the process ({error.code})")


def _nobody_reads() -> bool:
    """Whether the reader of standard output has gone: click catches the error and keeps only a status of its own."""
    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        return bool(poll.poll(0))
    except (OSError, ValueError):  # no file, or a closed one
        return False


def _failed(error: Exception, given: list[str], reports: Reporting) -> int:
    """Print what went wrong, with ``--debug`` from where it came, report it, and return the exit status."""
    known = _for_people(error)
    if "--debug" in given:
        click.echo(printable_lines("".join(traceback.format_exception(error))), err=True)
    _show(known, given)
    try:
        reports.failed(known)
    except (ParityGateError, OSError) as other:
        _show(_for_people(other), [])
    return known.exit_code


def _for_people(error: Exception) -> ParityGateError:
    if isinstance(error, ParityGateError):
        return error
    if isinstance(error, click.ClickException):
        return ParityGateError("PG201", "command line", error.format_message(), _usage_hint(error))
    refused = explained(error, "standard output") if isinstance(error, OSError) else None
    hint = "This is a bug in paritygate: run again with --debug and report what it prints."
    return refused or ParityGateError("PG308", type(error).__name__, str(error), hint)


def _print_anything() -> None:
    """What the terminal's encoding lacks is printed as an escape; it must not end a run."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _show(error: ParityGateError, given: list[str]) -> None:
    if _wants_json(given):
        from paritygate.validate.report.render.json import render_error

        command = next((word for word in given if not word.startswith("-")), "")
        with suppress(OSError):  # nobody reads it: the status says it all
            click.echo(render_error(command, error))
    else:
        with suppress(OSError):
            click.echo(f"paritygate: {error.typed}", err=True)


def _wants_json(given: list[str]) -> bool:
    """Whether stdout must hold one JSON document, whatever happens: options may not have been parsed."""
    return bool({"--json", "--format=json"} & set(given)) or ("--format", "json") in itertools.pairwise(given)


def _usage_hint(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    return f"See: {context.command_path} --help" if context else ""
