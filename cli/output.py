"""What commands print: rich on a terminal, plain text elsewhere, JSON on request."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from paritygate.validate.text import printable

if TYPE_CHECKING:
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
        if outcome.command == "convert":
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


def show_frameworks(libraries: tuple[Installation, ...], *, as_json: bool) -> None:
    """Print what is installed and what isn't."""
    if as_json:
        _show_json("doctor", {"libraries": libraries})
        return
    for library in libraries:
        extra = f"[{library.extra}]" if library.extra else ""
        version = library.version or "missing"
        hint = "" if library.version else f"   pip install 'paritygate{extra}'"
        click.echo(f"{library.name:<16} {version:<12} {library.unlocks}{hint}")


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
