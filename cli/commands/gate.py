"""``paritygate gate``: every model of a config file, one verdict."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from paritygate.gate.config.permissions import Allow
from paritygate.gate.levels import FailOn
from paritygate.validate.report.format_names import ReportFormat

from .. import interrupt
from ..grouped import GroupedCommand
from ..options import PRINTING, REPORT, options

_EPILOG = """\b
Examples:
  paritygate gate
  paritygate gate release.toml --jobs 4
  paritygate gate --select 'models/res*' --dry-run
  paritygate gate --shard 1/4 --report json=shard-1.json
"""

_FLAGS = (
    click.option("--select", multiple=True, metavar="PATTERN", help="Only models, or model/target, that match."),
    click.option(
        "--jobs", type=click.IntRange(1), metavar="N", help="Entries at once (default: one per CPU, at most 4)."
    ),
    click.option(
        "--executor", default="", metavar="ADDRESS", help="Work on a Dask cluster, e.g. dask://scheduler:8786."
    ),
    click.option("--shard", metavar="NUMBER/COUNT", help="Only this part of the entries, e.g. 1/4."),
    click.option(
        "--allow",
        multiple=True,
        type=click.Choice([kind.value for kind in Allow]),
        help="Let the config use code, trust, env, paths outside of its folder, or no limits; may be repeated.",
    ),
    click.option(
        "--fail-on",
        type=click.Choice([level.value for level in FailOn]),
        help="The least that ends with a status other than 0 (default: inconclusive).",
    ),
    click.option("--dry-run", is_flag=True, help="Say what would be done, what is cached, and the expected time."),
    click.option("--no-cache", is_flag=True, help="Do all work again, and keep nothing."),
    click.option("--baseline", type=click.Path(path_type=Path), help="JSON report of an earlier gate to compare with."),
    click.option("--exit-zero", is_flag=True, help="End with status 0 whatever the verdicts are."),
    click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout and nothing else."),
)


@click.command(cls=GroupedCommand, epilog=_EPILOG)
@click.argument("config", required=False, type=click.Path(path_type=Path))
@options(_FLAGS, REPORT, PRINTING)
def gate(
    config: Path | None,
    select: tuple[str, ...],
    jobs: int | None,
    executor: str,
    shard: str | None,
    allow: tuple[str, ...],
    fail_on: str | None,
    no_cache: bool,
    dry_run: bool,
    baseline: Path | None,
    exit_zero: bool,
    as_json: bool,
    quiet: bool,
    debug: bool,
) -> int:
    """Convert and prove all models of CONFIG, and export those that pass.

    CONFIG is paritygate.toml in this folder, or [tool.paritygate] of its pyproject.toml, if not given.
    """
    from paritygate.gate.api import GateOptions, exit_code, show_plan
    from paritygate.gate.api import gate as run_gate
    from paritygate.gate.config.file import load_config
    from paritygate.gate.shard import Shard

    from ..reporting import reporting
    from ..watching import watching

    printed = ReportFormat.JSON if as_json else None
    reports = reporting().begin("gate", str(config or "paritygate.toml"), "", chosen_format=printed, quiet=quiet)
    found = load_config(config)
    part = Shard.parse(shard) if shard else Shard()
    level = None if fail_on is None else FailOn(fail_on)
    chosen = GateOptions(select, part, jobs, frozenset(map(Allow, allow)), not no_cache, baseline, level, executor)
    if dry_run:
        click.echo(show_plan(found, chosen))
        return 0
    with watching(silent=quiet or not reports.for_people) as watch:
        try:
            document = run_gate(found, chosen, watch)
        except interrupt.Interrupted:
            click.echo(f"paritygate: interrupted; {watch.counts()}; what was exported is complete", err=True)
            raise
    reports.publish(replace(document, arguments=reports.arguments))
    return 0 if exit_zero else exit_code(document)
