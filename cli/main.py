"""``paritygate``: the command group, and how errors become exit statuses."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence

import click

from paritygate.validate.errors import ExitCode, ParityGateError

from . import interrupt
from .commands.convert import convert
from .commands.doctor import doctor
from .commands.explain import explain
from .commands.inspect import inspect
from .commands.run import run
from .commands.selftest import selftest
from .commands.validate import validate

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
  paritygate explain PG101
"""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}, epilog=_EPILOG)
@click.version_option(package_name="paritygate")
def cli() -> None:
    """Convert models, prove numerical parity, and only then export."""


for _command in (convert, validate, run, inspect, doctor, explain, selftest):
    cli.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point: runs a command and exits with its status. Only errors meant for users are caught."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    interrupt.install()
    try:
        status = cli.main(args=given, prog_name="paritygate", standalone_mode=False)
    except click.ClickException as error:
        _show(ParityGateError("PG201", "command line", error.format_message(), _usage_hint(error)), given)
        status = ExitCode.USAGE
    except ParityGateError as error:
        if "--debug" in given:
            raise
        _show(error, given)
        status = error.exit_code
    except SystemExit as error:
        click.echo("paritygate: interrupted; nothing was written", err=True)
        status = error.code
    except Exception as error:  # the outermost frame: not even a bug shows a user its traceback
        if "--debug" in given:
            raise
        hint = "This is a bug in paritygate: run again with --debug and report what it prints."
        _show(ParityGateError("PG308", type(error).__name__, str(error), hint), given)
        status = ExitCode.INCONCLUSIVE
    sys.exit(status)


def _show(error: ParityGateError, given: list[str]) -> None:
    if _wants_json(given):
        from paritygate.validate.report.render.json import render_error

        command = next((word for word in given if not word.startswith("-")), "")
        click.echo(render_error(command, error))
    else:
        click.echo(f"paritygate: {error}", err=True)


def _wants_json(given: list[str]) -> bool:
    """Whether stdout must hold one JSON document, whatever happens: options may not have been parsed."""
    return bool({"--json", "--format=json"} & set(given)) or ("--format", "json") in itertools.pairwise(given)


def _usage_hint(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    return f"See: {context.command_path} --help" if context else ""
