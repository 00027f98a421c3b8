"""What commands print: rich on a terminal, plain text elsewhere, JSON on request."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from paritygate.validate.text import printable, printable_lines

if TYPE_CHECKING:
    from paritygate.targets.explain import Explanation
    from paritygate.targets.registry import Target
    from paritygate.targets.values import Check
    from paritygate.validate.doctor import Installation
    from paritygate.validate.report.render.formats import Outcome, ReportFormat
    from paritygate.validate.report.report import Report
    from paritygate.validate.selftest import Trial
    from paritygate.validate.tasks.types import Inspection, ModelRun


def show_defaults(defaults: Mapping[str, Any], *, silent: bool) -> None:
    """Say on standard error which options a config file has chosen: it may be a stranger's."""
    if defaults and not silent:
        click.echo(printable(f"paritygate: options of the config file: {', '.join(defaults)}"), err=True)


def show_report(outcome: Outcome, format: ReportFormat, *, quiet: bool) -> None:
    """Print a verdict. ``quiet`` still prints a report that isn't a pass: that is an error."""
    from paritygate.validate.report.render.formats import ReportFormat, render

    if format is not ReportFormat.TEXT:
        click.echo(render(outcome, format))
    elif not quiet or not outcome.report.passed:
        _print_report(outcome.report)
        if outcome.command in ("convert", "bundle"):
            click.echo(printable(f"written: {outcome.written}") if outcome.written else "nothing written")


def _print_report(report: Report) -> None:
    if not sys.stdout.isatty():
        click.echo(str(report))
        return
    from rich.console import Console

    from paritygate.validate.report.render.rich import render_rich

    Console().print(render_rich(report))


def show_run(ran: ModelRun, output: Path, *, as_json: bool, quiet: bool) -> None:
    """Print what was run and where the outputs are."""
    if as_json:
        _show_json("run", {"output": str(output), "samples": ran.samples, "signature": ran.signature})
    elif not quiet:
        click.echo(printable(f"{ran.samples.count} samples ({ran.samples.origin}); written: {output}"))


def show_inspection(inspection: Inspection, *, as_json: bool) -> None:
    """Print a model's facts and signature."""
    if as_json:
        _show_json("inspect", {"facts": inspection.facts, "signature": inspection.signature})
        return
    facts = inspection.facts
    rows = [("format", facts.format), ("producer", facts.producer), ("opset", facts.opset)]
    rows += [("input", str(spec)) for spec in inspection.signature.inputs]
    rows += [("output", str(spec)) for spec in inspection.signature.outputs]
    counted = sorted(facts.operators.items(), key=lambda item: (-item[1], item[0]))
    rows.append(("operators", ", ".join(f"{name} {count}" for name, count in counted)))
    rows.append(("parameters", "" if facts.parameters is None else f"{facts.parameters:,}"))
    rows.append(("size", "" if facts.size is None else f"{facts.size:,} bytes"))
    for name, value in rows:
        if value:
            click.echo(printable(f"{name:<11} {value}"))


def show_frameworks(
    libraries: tuple[Installation, ...], runtimes: tuple[tuple[str, str], ...], *, as_json: bool
) -> None:
    """Print what is installed and what isn't, and the environments of other runtimes."""
    if as_json:
        _show_json("doctor", {"libraries": libraries, "runtimes": dict(runtimes)})
        return
    for library in libraries:
        extra = f"[{library.extra}]" if library.extra else ""
        version = library.version or "missing"
        hint = "" if library.version else f"   pip install 'paritygate{extra}'"
        click.echo(f"{library.name:<16} {version:<12} {library.unlocks}{hint}")
    click.echo("")
    for name, place in runtimes:
        click.echo(f"{name:<29} {place or 'made when --prove-in names it'}")


def show_selftest(trials: tuple[Trial, ...], *, as_json: bool, quiet: bool) -> None:
    """Print each fault and what was found."""
    if as_json:
        _show_json("selftest", {"trials": [asdict(trial) | {"noticed": trial.noticed} for trial in trials]})
        return
    for trial in () if quiet else trials:
        found = ", ".join(f"{code} {name}" for name, code in trial.found.items())
        said = " ".join(filter(None, (trial.verdict, found)))
        click.echo(f"{trial.name:<24} {said:<42} {'as expected' if trial.noticed else 'MISSED'}")


def _show_json(command: str, result: dict[str, Any]) -> None:
    from paritygate.validate.report.render.json import render_result

    click.echo(render_result(command, result))


def show_check(checks: Sequence[Check], ran: Sequence[Report], *, as_json: bool, quiet: bool, details: bool) -> None:
    """Print a matrix of targets and answers, then the reasons, then what other runtimes gave.

    ``quiet`` still prints what isn't a pass.
    """
    from paritygate.targets.render import as_values, ran_text, text

    if as_json:
        _show_json("check", {"checks": [as_values(check) for check in checks], "runs": ran})
        return
    for report in ran:
        if not quiet or not report.passed:
            click.echo(printable_lines(ran_text(report)))
    for check in checks:
        if not quiet or check.exit_code:
            click.echo(printable_lines(text(check, details=details)))


def show_targets(targets: Sequence[Target]) -> None:
    """Print one line per target."""
    for target in targets:
        span = f"{target.versions[0]} to {target.versions[-1]}" if len(target.versions) > 1 else ""
        takes = ", ".join(kind.value for kind in target.kinds)
        click.echo(f"{target.name:<24} {takes:<8} {span:<20} {target.title} ({target.evidence})".rstrip())


def show_target(explanation: Explanation, *, as_json: bool) -> None:
    """Print what is known of one target."""
    from paritygate.targets.render import explanation_text

    if as_json:
        _show_json("targets", {"target": explanation})
    else:
        click.echo(printable_lines(explanation_text(explanation)))
