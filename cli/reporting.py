"""Which reports a command writes and where to, and what they say when it fails half-way."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from paritygate.validate.errors import ParityGateError
from paritygate.validate.report.format_names import ReportFormat

if TYPE_CHECKING:
    from paritygate.validate.report.document import Document, Entry
    from paritygate.validate.report.report import Report

_ENVELOPED = ("convert", "validate")
"""Commands whose ``--json`` is version 1 of docs/report.schema.json."""

_SUMMARY = "GITHUB_STEP_SUMMARY"
_LARGEST_SUMMARY = 1_000_000
"""Bytes. GitHub refuses a step's summary of more than 1 MiB."""


@dataclass(frozen=True, slots=True)
class Request:
    """One report: ``file`` is None for standard output.

    ``envelope`` asks for what ``--json`` prints: of a gate, which has many entries, a document all the same; of a
    command that fails, the error, which :mod:`.main` prints.
    """

    format: ReportFormat
    file: Path | None = None
    envelope: bool = False


@dataclass(slots=True)
class Reporting:
    """A command's reports. It knows enough from the start to report that the command failed.

    ``arguments`` are those of the process, ``model`` and ``target`` what an entry is called.
    """

    arguments: tuple[str, ...] = ()
    requests: tuple[Request, ...] = ()
    command: str = ""
    model: str = ""
    target: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    quiet: bool = False
    told: bool = False
    started: str = ""
    _clock: float = 0.0

    @property
    def for_people(self) -> bool:
        """Whether standard output holds text, or nothing."""
        printed = [request.format for request in self.requests if request.file is None]
        return not printed or printed == [ReportFormat.TEXT]

    def begin(
        self, command: str, model: str, target: str, *, chosen_format: str | None = None, quiet: bool = False
    ) -> Reporting:
        """Note what the command is about. Raises ParityGateError PG201 and PG205 for reports that can't be written."""
        self.command, self.model, self.target, self.quiet = command, model, target, quiet
        self.started, self._clock = datetime.now(UTC).isoformat(timespec="seconds"), time.perf_counter()
        if chosen_format is not None:
            kind = ReportFormat(chosen_format)
            self.requests += (Request(kind, envelope=kind is ReportFormat.JSON),)
        self._check((Path(model), Path(target)))
        return self

    def chose(self, options: Any) -> None:
        """Note all options, defaults included."""
        from paritygate.validate.keywords import option_values
        from paritygate.validate.report.render.json import plain

        self.options = {name: plain(value) for name, value in option_values(options).items()}

    def judged(self, report: Report, written: Path | None = None) -> None:
        """Write the reports of a verdict. Raises ParityGateError PG205."""
        from paritygate.validate.report.document import Entry

        place = "" if written is None else str(written)
        self.publish(self._document(Entry(self.model, self.target, report, written=place, seconds=self._seconds())))

    def failed(self, error: ParityGateError) -> None:
        """Write the reports of a command that failed before it came to a verdict. Raises ParityGateError PG205.

        For people it is printed elsewhere, and so it is in the form of ``--json``.
        """
        from paritygate.validate.report.document import Entry, Failure

        if self.told or not (self.requests or self.command):
            return
        if not self.command:  # an option was refused
            self._check(())
        model = self.model or error.subject
        entry = Entry(model, self.target, error=Failure.of(error), seconds=self._seconds())
        document = self._document(entry)
        self.told = True
        if self.for_people:
            _annotate(document)
        self._write(document, [request for request in self.requests if not request.envelope and not _text(request)])

    def publish(self, document: Document) -> None:
        """Print the document and write its files. Raises ParityGateError PG205."""
        self.told = True
        if self.for_people:
            self._tell(document)
        self._write(document, [request for request in self.requests if not _text(request)])

    def _tell(self, document: Document) -> None:
        """``quiet`` still says in a line why a report isn't a pass: that is an error."""
        from .output import show_document, show_reasons

        if self.quiet:
            show_reasons(document)
        else:
            show_document(document)
        if not any(request.file is None for request in self.requests):
            _annotate(document)

    def _document(self, entry: Entry) -> Document:
        from importlib.metadata import version

        from paritygate.validate.report.document import Document

        command = self.command or next((word for word in self.arguments if not word.startswith("-")), "")
        return Document(command, (entry,), self.arguments, self.options, version("paritygate"), self.started)

    def _write(self, document: Document, requests: Iterable[Request]) -> None:
        for request in requests:
            if request.file is None:
                _print(document, request)
            else:
                _save(document, request.format, request.file)

    def _seconds(self) -> float:
        return time.perf_counter() - self._clock if self._clock else 0.0

    def _check(self, models: Iterable[Path]) -> None:
        """Refuse reports that can't be written, or that would take the place of something that was named."""
        from paritygate.validate.files.output import check_output

        requests, self.requests = self.requests, ()  # none is written if one is refused
        if sum(request.file is None for request in requests) > 1:
            remedy = "Write all but one to files: --report FORMAT=FILE."
            raise ParityGateError("PG201", "--report", "two reports can't both be printed", remedy)
        files = [request.file.resolve() for request in requests if request.file is not None]
        for file in files:
            if files.count(file) > 1:
                raise ParityGateError("PG201", f"--report {file}", "two reports can't be in one file")
            named = [*models, *map(Path, self._words())]
            if file in (path.resolve() for path in named):
                raise ParityGateError("PG205", str(file), "the command has another use for it", "Name another file.")
            check_output(file, inputs=named)
        self.requests = requests

    def _words(self) -> Iterable[str]:
        """What on the command line may be a file, reports apart."""
        before = ""
        for word in self.arguments:
            if before != "--report" and not word.startswith("--report="):
                yield from (word, word.rpartition("=")[2], word.rpartition(":")[0] or word)
            before = word


def _text(request: Request) -> bool:
    return request.file is None and request.format is ReportFormat.TEXT


def reporting() -> Reporting:
    """The reports of the command that runs."""
    return click.get_current_context().ensure_object(Reporting)


def take_reports(context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> None:
    """A callback of click's: ``FORMAT`` and ``FORMAT=FILE`` texts."""
    context.ensure_object(Reporting).requests = tuple(map(_request, texts))


def _request(text: str) -> Request:
    name, equals, file = text.partition("=")
    if name not in list(ReportFormat) or (equals and not file):
        raise click.BadParameter(f"{text!r} is not FORMAT or FORMAT=FILE, with one of {', '.join(ReportFormat)}")
    return Request(ReportFormat(name), Path(file) if file not in ("", "-") else None)


def _print(document: Document, request: Request) -> None:
    from paritygate.validate.report.render.formats import render
    from paritygate.validate.report.render.json import render_report

    entry = document.entries[0] if request.envelope and document.command in _ENVELOPED else None
    if entry is not None and entry.report is not None:
        written = Path(entry.written) if entry.written else None
        click.echo(render_report(document.command, entry.report, written))
    else:
        click.echo(render(document, request.format))
    if request.format is ReportFormat.GITHUB:
        _summarise(document)


def _save(document: Document, format: ReportFormat, file: Path) -> None:
    from paritygate.validate.files.output import explaining
    from paritygate.validate.files.replace import write_text
    from paritygate.validate.report.render.formats import render

    with explaining(str(file)):
        write_text(file, render(document, format))
    if format is ReportFormat.GITHUB:
        _summarise(document)


def _annotate(document: Document) -> None:
    """In GitHub Actions: annotations, and the job summary."""
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return
    from paritygate.validate.report.render.github import render_github

    if commands := render_github(document):
        click.echo(commands)
    _summarise(document)


def _summarise(document: Document) -> None:
    from paritygate.validate.files.output import explaining
    from paritygate.validate.report.render.markdown import render_markdown

    file = os.environ.get(_SUMMARY)
    if file:
        text = render_markdown(document, _LARGEST_SUMMARY)
        with explaining(file), Path(file).open("a", encoding="utf-8", errors="backslashreplace") as summary:
            summary.write(f"{text}\n")
