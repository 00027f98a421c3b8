"""What a gate is going to do: one :class:`Planned` per model and target, in a fixed order. No model is opened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ..convert.options import ConvertOptions
from ..convert.targets import TARGETS, Target
from ..validate.detect import is_factory
from ..validate.errors import ParityGateError
from .config.chosen import given, options_of
from .config.scopes import for_candidate, for_source
from .config.settings import ModelSettings, TargetSettings

if TYPE_CHECKING:
    from .config.file import Config

_PATTERN = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class Planned:
    """One conversion: ``model`` and ``target`` are what reports call them, ``source`` and ``output`` where they are."""

    model: str
    target: str
    source: Path | str
    output: Path
    options: ConvertOptions


def make_plan(config: Config, select: Sequence[str] = ()) -> tuple[Planned, ...]:
    """All entries of a config, or those whose model or ``model/target`` matches one of the patterns.

    Raises ParityGateError PG223 where a path or a pattern matches nothing, a target isn't known, or two entries would
    be called alike or written to the same file; PG201 for an option's value.
    """
    entries = tuple(entry for model in config.settings.model for entry in _entries(config, model))
    if not entries:
        raise ParityGateError("PG223", str(config.path), "it lists no model", "Add a table [[model]] with a path.")
    _check_different(config, entries)
    _check_overrides(config, entries)
    chosen = tuple(entry for entry in entries if not select or any(_matches(entry, pattern) for pattern in select))
    if not chosen:
        known = ", ".join(dict.fromkeys(entry.model for entry in entries))
        raise ParityGateError("PG223", ", ".join(select), "no model matches", f"Models: {known}.")
    return chosen


def _matches(entry: Planned, pattern: str) -> bool:
    names = (entry.model, f"{entry.model}/{entry.target}", PurePosixPath(entry.model).name)
    return any(fnmatchcase(name, pattern) for name in names)


def _entries(config: Config, model: ModelSettings) -> Iterator[Planned]:
    sources = list(_sources(config, model))
    if model.name and len(sources) > 1:
        cause = f"it matches {len(sources)} models, and one name is given: {model.name}"
        raise ParityGateError("PG223", f"{config.path}, path {model.path}", cause, "Leave the name out.")
    for name, source in sources:
        for target in model.targets or config.settings.gate.targets:
            yield _planned(config, model, model.name or name, source, target)


def _sources(config: Config, model: ModelSettings) -> Iterable[tuple[str, Path | str]]:
    """(name, source) of the models that a path stands for, in the order of their names."""
    if is_factory(model.path):
        return [(model.path, model.path)]
    if not _PATTERN & set(model.path) or (config.folder / model.path).exists():
        return [(model.path, config.folder / model.path)]
    pattern, subject = PurePosixPath(model.path), f"{config.path}, path {model.path}"
    if pattern.is_absolute() or ".." in pattern.parts:  # "/**" would be a walk through all disks
        raise ParityGateError("PG223", subject, "a pattern can't leave the config's folder", "Name the files instead.")
    found = [(path.relative_to(config.folder), path) for path in sorted(config.folder.glob(model.path))]
    exported = Path(config.settings.gate.output)
    chosen = [
        (name.as_posix(), path)
        for name, path in found
        if not (name.is_relative_to(exported) or any(part.startswith(".") for part in name.parts))
    ]
    if not chosen:
        raise ParityGateError("PG223", subject, "no file matches", "Correct the pattern.")
    return chosen


def _planned(
    config: Config, model: ModelSettings, name: str, source: Path | str, target: str | TargetSettings
) -> Planned:
    settings, said = config.settings, TargetSettings(to=target) if isinstance(target, str) else target
    kind = _target(said.to, f"{config.path}, model {name}")
    overrides = [entry for entry in settings.override if fnmatchcase(name, entry.match)]
    options = for_source(given(settings.defaults, settings.convert), source)
    options |= given(model, *overrides)
    options = for_candidate(options, kind.format) | given(said)
    label = said.name or said.to
    output = config.folder / (said.output or _output(settings.gate.output, name, kind, label))
    subject = f"{config.path}, model {name}"
    if output.suffix not in kind.suffixes:
        cause = f"output {said.output} has another suffix than {' and '.join(kind.suffixes)}"
        raise ParityGateError("PG223", subject, cause, "Name a file of the target's kind.")
    more = {"to": said.to, "config": config.path}
    return Planned(name, label, source, output, options_of(options, config.folder, subject, **more))


def _target(name: str, subject: str) -> Target:
    known = {target.name: target for target in TARGETS}
    if name in known:
        return known[name]
    near = get_close_matches(name, known, 1)
    remedy = f"Did you mean {near[0]}?" if near else f"Targets: {', '.join(known)}."
    raise ParityGateError("PG223", subject, f"unknown target: {name}", remedy)


def _output(folder: str, name: str, target: Target, label: str) -> str:
    """``folder/name.onnx``, the name without the source's suffix; a target of another name adds that."""
    plain = PurePosixPath(name.replace(":", "_").lstrip("/")).with_suffix("")
    inner = "" if label == target.name else f".{label}"
    return f"{folder}/{plain}{inner}{target.suffix}"


def _check_different(config: Config, entries: Sequence[Planned]) -> None:
    """No two entries of one name, and none that would overwrite another's output."""
    names: dict[tuple[str, str], Planned] = {}
    outputs: dict[Path, Planned] = {}
    for entry in entries:
        first = names.setdefault((entry.model, entry.target), entry)
        if first is not entry:
            cause = f"two entries are called {entry.model}, {entry.target}"
            raise ParityGateError("PG223", str(config.path), cause, "Give one of them another name.")
        first = outputs.setdefault(entry.output.absolute(), entry)
        if first is not entry:
            cause = f"{first.model} ({first.target}) and {entry.model} ({entry.target}) would both write {entry.output}"
            raise ParityGateError("PG223", str(config.path), cause, "Give one of them a name, or its target an output.")
    sources = {entry.source.resolve() for entry in entries if isinstance(entry.source, Path)}
    for entry in entries:
        if entry.output.resolve() in sources:
            cause = f"{entry.model} ({entry.target}) would write {entry.output}, which is a model to convert"
            raise ParityGateError("PG223", str(config.path), cause, "Give it another output.")


def _check_overrides(config: Config, entries: Sequence[Planned]) -> None:
    """An override that matches no model is a slip: its tolerance wouldn't be in force."""
    for override in config.settings.override:
        if not any(fnmatchcase(entry.model, override.match) for entry in entries):
            known = ", ".join(dict.fromkeys(entry.model for entry in entries))
            subject = f"{config.path}, override {override.match}"
            raise ParityGateError("PG223", subject, "no model matches", f"Models: {known}.")
