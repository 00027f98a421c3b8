"""An entry's work on another machine that shares no files: what is sent there, and what comes back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from ...validate.expectations.tasks.text import is_task_metric, truth_of, with_truth_in
from ...validate.report.document import Failure
from ...validate.report.report import Report
from ..cache.keys import model_files, surroundings
from ..plan import Planned
from ..work import Produced, perform

Files = Mapping[str, bytes]
Value = TypeVar("Value")

_SOURCE, _WEIGHTS, _SAMPLES, _CONFIG, _OUTPUT = "source", "weights", "samples", "config", "output"
_TRUTH = "truth"


@dataclass(frozen=True, slots=True)
class Parcel:
    """An entry and the content of its files, by folder and name."""

    entry: Planned
    files: Files = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the work came to: the proved file's ``files`` by name, ``artifact`` the one that is exported."""

    produced: Produced
    artifact: str = ""
    files: Files = field(default_factory=dict)


def pack(entry: Planned) -> Parcel:
    """Read an entry's files. Raises OSError; what is missing is left out, the work will say so."""
    files: dict[str, bytes] = {}
    for folder, path in _inputs(entry).items():
        parts = model_files(path) if folder == _SOURCE and path.exists() else [path]
        for part in parts:
            files |= {f"{folder}/{name}": content for name, content in _read(part, path.parent)}
    for path in _truths(entry):
        if path.is_file():
            files[f"{_TRUTH}/{path.as_posix()}"] = path.read_bytes()
    return Parcel(entry, files)


def _truths(entry: Planned) -> list[Path]:
    """The files of true answers that metrics name; what lies elsewhere isn't sent, and the work says so."""
    found = (truth_of(metric) for metric in entry.options.judge.metrics if isinstance(metric, str))
    return [path for path in found if path is not None and not path.is_absolute() and ".." not in path.parts]


def do(parcel: Parcel, folder: Path) -> Delivery:
    """Write the files below a new ``folder``, do the work, and read what was proved."""
    for name, content in parcel.files.items():
        _write(folder / name, content)
    entry = parcel.entry
    moved = _moved(entry, folder)
    produced = perform(moved, folder / "artifact")
    places = {str(folder / place / path.name): str(path) for place, path in _inputs(entry).items()}
    places |= {str(moved.output): str(entry.output), f"{folder / _TRUTH}/": ""}
    artifact = produced.artifact
    files = {} if artifact is None else dict(_read(artifact.parent, artifact.parent))
    inputs = tuple(_inputs(entry).values())
    report, error = relocated(produced.report, places, Report), relocated(produced.error, places, Failure)
    sent = replace(produced, report=report, error=error, artifact=None, inputs=inputs, surroundings=surroundings())
    return Delivery(sent, artifact.name if artifact else "", files)


def unpack(delivery: Delivery, folder: Path) -> Produced:
    """Write what was proved into the new ``folder``, for the export."""
    for name, content in delivery.files.items():
        _write(folder / name, content)
    artifact = folder / delivery.artifact if delivery.artifact else None
    return replace(delivery.produced, artifact=artifact)


def relocated(value: Value | None, places: Mapping[str, str], kind: type[Value]) -> Value | None:
    """A value whose texts name the files where the user has them."""
    import msgspec

    if value is None:
        return None
    return msgspec.convert(_renamed(msgspec.to_builtins(value), places), kind)


def _renamed(value: Any, places: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        for here, there in places.items():
            value = value.replace(here, there)
        return value
    if isinstance(value, Mapping):
        return {_renamed(key, places): _renamed(each, places) for key, each in value.items()}
    return [_renamed(each, places) for each in value] if isinstance(value, list | tuple) else value


def _inputs(entry: Planned) -> dict[str, Path]:
    """The files and folders that an entry reads, by the folder that they are sent in."""
    options = entry.options
    given = {
        _SOURCE: entry.source,
        _WEIGHTS: options.load.weights_file,
        _SAMPLES: options.sample.samples,
        _CONFIG: options.judge.config,
    }
    return {name: path for name, path in given.items() if isinstance(path, Path)}


def _moved(entry: Planned, folder: Path) -> Planned:
    """The entry with the paths that its files have here."""

    def here(place: str, path: Any) -> Any:
        return folder / place / path.name if isinstance(path, Path) else path

    options = entry.options
    return replace(
        entry,
        source=here(_SOURCE, entry.source),
        output=here(_OUTPUT, entry.output),
        options=replace(
            options,
            load=replace(options.load, weights=here(_WEIGHTS, options.load.weights)),
            sample=replace(options.sample, samples=here(_SAMPLES, options.sample.samples)),
            judge=replace(
                options.judge,
                config=here(_CONFIG, options.judge.config),
                metrics=tuple(_with_truth(metric, folder / _TRUTH) for metric in options.judge.metrics),
                localise=False,
            ),
        ),
    )


def _with_truth(metric: Any, folder: Path) -> Any:
    return with_truth_in(metric, folder) if isinstance(metric, str) and is_task_metric(metric) else metric


def _read(path: Path, start: Path) -> Iterator[tuple[str, bytes]]:
    """(name from ``start``, content) of a file, or of a folder's files."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    for file in files:
        if file.is_file():
            base = start if file.is_relative_to(start) else start.resolve()  # external data has absolute names
            yield file.relative_to(base).as_posix(), file.read_bytes()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
