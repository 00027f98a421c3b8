"""What commands print: rich on a terminal, plain text elsewhere, JSON on request."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from paritygate.validate.text import printable, printable_lines

from .colour import wants_colour

if TYPE_CHECKING:
    from paritygate.targets.explain import Explanation
    from paritygate.targets.registry import Target
    from paritygate.targets.values import Check
    from paritygate.validate.doctor import Installation
    from paritygate.validate.report.document import Document
    from paritygate.validate.report.report import Report
    from paritygate.validate.selftest import Trial
    from paritygate.validate.tasks.types import Inspection, ModelRun, OutputStatistics

_MOST_LAYERS = 40


def show_defaults(defaults: Mapping[str, Any], *, silent: bool) -> None:
    """Say on standard error which options a config file has chosen: it may be a stranger's."""
    if defaults and not silent:
        click.echo(printable(f"paritygate: options of the config file: {', '.join(defaults)}"), err=True)


def show_document(document: Document) -> None:
    """Print what was judged, for people."""
    from paritygate.validate.report.render.document_text import render_document_text, written

    entry = document.entries[0] if len(document.entries) == 1 else None
    if entry is None or entry.report is None or not (sys.stdout.isatty() or wants_colour(os.environ)):
        click.echo(render_document_text(document))
        return
    from rich.console import Console

    from paritygate.validate.report.render.rich import render_rich

    Console().print(render_rich(entry.report))
    if document.command in ("convert", "bundle"):
        click.echo(written(entry))


def show_reasons(document: Document) -> None:
    """Say why entries aren't passes, each in a line, and what to do in another."""
    for entry in document.entries:
        report = entry.report
        if report is not None and not report.passed:
            click.echo(printable(f"{report.verdict.value.upper()}: [{report.code}] {report.reason}"))
            if report.next_step:
                click.echo(printable(f"  {report.next_step}"))
        elif entry.error is not None:
            click.echo(printable(f"ERROR: [{entry.error.code}] {entry.error.subject}: {entry.error.cause}"))


def show_run(ran: ModelRun, output: Path, *, as_json: bool, quiet: bool) -> None:
    """Print what was run, what the outputs are like and where they are."""
    if as_json:
        result = {"output": str(output), "samples": ran.samples, "signature": ran.signature}
        _show_json("run", {**result, "statistics": ran.statistics})
    elif not quiet:
        _table([("output", "dtype", "shape", "min", "mean", "max", "NaN", "inf"), *map(_figures, ran.statistics)])
        click.echo(printable(f"{ran.samples.said} ({ran.samples.origin}); written: {output}"))


def _figures(output: OutputStatistics) -> tuple[str, ...]:
    values = ("-" if value is None else f"{value:.6g}" for value in (output.least, output.mean, output.greatest))
    return (output.name, output.dtype, str(list(output.shape)), *values, str(output.nan), str(output.infinite))


def _table(rows: list[tuple[str, ...]]) -> None:
    widths = [max(map(len, map(printable, column))) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (printable(cell).ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def show_inspection(inspection: Inspection, *, as_json: bool) -> None:
    """Print a model's facts, signature and profile, each thing that is known."""
    if as_json:
        known = {"facts": inspection.facts, "signature": inspection.signature}
        _show_json("inspect", {**known, "profile": inspection.profile, "sha256": inspection.sha256})
        return
    for name, value in _rows(inspection):
        if value:
            click.echo(printable(f"{name:<12} {value}"))


def _rows(inspection: Inspection) -> Iterator[tuple[str, str]]:
    facts, profile, signature = inspection.facts, inspection.profile, inspection.signature
    counted = sorted(facts.operators.items(), key=lambda item: (-item[1], item[0]))
    yield "format", facts.format
    yield "producer", facts.producer
    yield "opset", facts.opset
    yield "IR version", _number(profile.ir_version)
    yield from (("metadata", f"{name}: {value}") for name, value in profile.metadata.items())
    yield from (("input", str(spec)) for spec in signature.inputs)
    yield from (("output", str(spec)) for spec in signature.outputs)
    yield "operators", ", ".join(f"{name} {count}" for name, count in counted)
    yield "parameters", _number(facts.parameters)
    yield from (("weights", f"{group.dtype} {group.count:,} ({group.bytes:,} bytes)") for group in profile.weights)
    yield "quantised", profile.quantised
    yield "MACs", _number(profile.macs, " multiply-adds per row")
    yield "activations", _number(profile.activation_bytes, " bytes per row at most (estimate)")
    for layer in profile.layers[:_MOST_LAYERS]:
        yield "layer", f"{layer.name}: {layer.kind}, {layer.parameters:,} parameters"
    if more := profile.layers[_MOST_LAYERS:]:
        yield "", f"{len(more)} more layers (--json lists all)"
    yield "size", _number(facts.size, " bytes")
    yield "sha256", inspection.sha256 or ""


def _number(value: int | None, unit: str = "") -> str:
    return "" if value is None else f"{value:,}{unit}"


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
