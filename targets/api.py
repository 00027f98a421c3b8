"""The library's door: ``from paritygate.targets import check``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..validate.errors import ParityGateError

if TYPE_CHECKING:
    from .boards import Board
    from .model import Kind, ModelFacts
    from .registry import Target
    from .values import Answer, Check

ALL = "all"


def check(model: str | Path, targets: Sequence[str], profiles: Sequence[str | Path] = ()) -> Check:
    """Hold a model file against targets: does it run there, and if not, why?

    ``model`` is an .onnx, .tflite, .mlmodel or .mlpackage; no framework is imported and nothing is run. ``targets``
    are names such as ``"onnxruntime-cpu@1.16"`` (see :func:`.registry.names`), or ``"all"``; ``profiles`` are YAML
    files with boards of the user's own. Raises ParityGateError PG201 for an unknown target or version, PG202, PG401
    and PG402 for what can't be read.
    """
    from .boards import read_boards
    from .values import Check

    path = Path(model)
    facts = read_model(path)
    boards = [board for profile in profiles for board in read_boards(Path(profile))]
    chosen = _expanded(targets, facts.kind)
    if not chosen and not boards:
        raise ParityGateError("PG201", "targets", "no target was given", "Give --target NAME, or --target all.")
    answers = [_answer(facts, name) for name in chosen]
    answers += [_on_board(facts, board) for board in boards]
    return Check(str(path), facts.kind.value, _digest(path), facts.footprint, tuple(answers))


def read_model(path: Path) -> ModelFacts:
    """What a file says of its model. Raises ParityGateError PG202, PG401, PG402, PG403, PG502."""
    import importlib

    if not path.exists():
        raise ParityGateError("PG202", str(path), "there is no such file or folder")
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        cause = f"only {', '.join(READERS)} can be checked"
        raise ParityGateError("PG401", str(path), cause, "Convert it first: paritygate convert SOURCE -o model.onnx")
    facts: ModelFacts = importlib.import_module(f"{__package__}.readers.{reader}").read(path)
    return facts


READERS: Mapping[str, str] = {".onnx": "onnx", ".tflite": "tflite", ".mlmodel": "coreml", ".mlpackage": "coreml"}
"""Suffix -> module of its reader."""


def _expanded(given: Iterable[str], kind: Kind) -> list[str]:
    """The targets that were named; "all" are those that take such a file, in their newest version."""
    from .registry import TARGETS

    found: list[str] = []
    for name in given:
        found += [target.name for target in TARGETS if kind in target.kinds] if name.lower() == ALL else [name]
    return list(dict.fromkeys(found))


def _answer(model: ModelFacts, name: str) -> Answer:
    target, version = resolve(name)
    return _answered(model, target, version)


def resolve(name: str) -> tuple[Target, str]:
    """The target and version that a name such as ``tensorrt@10`` means. Raises ParityGateError PG201."""
    import difflib

    from .registry import find, names
    from .versions import chosen

    word, _, version = name.partition("@")
    target = find(word)
    if target is None:
        near = difflib.get_close_matches(word.lower(), names(), 1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise ParityGateError("PG201", name, "there is no such target", f"{hint}paritygate targets lists them.")
    return target, chosen(target.name, version, target.versions, target.default)


def _answered(model: ModelFacts, target: Target, version: str, more: Iterable[object] = ()) -> Answer:
    from .values import Answer, Effect, Reason

    if model.kind not in target.kinds:
        takes = ", ".join(kind.value for kind in target.kinds)
        text = f"it takes {takes} files; this is {model.kind.value}"
        reasons: tuple[Reason, ...] = (Reason("format", Effect.REFUSES, text, remedy=_OTHER_FORMAT.get(takes, "")),)
        return Answer(target.name, version, target.evidence, reasons)
    given = target.rules(model, version)
    if isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], tuple):
        return Answer(target.name, version, target.evidence, given[0], given[1])
    return Answer(target.name, version, target.evidence, tuple(given))


_OTHER_FORMAT = {
    "onnx": "Convert the source with -o model.onnx.",
    "coreml": "Convert the source with -o Model.mlpackage.",
    "tflite": "Convert the source with TensorFlow's own converter.",
}


def _on_board(model: ModelFacts, board: Board) -> Answer:
    """The base target's answer, and the board's own limits."""
    from dataclasses import replace

    base = _answer(model, board.target)
    return replace(base, target=board.name, version="", reasons=(*base.reasons, *board.check(model)))


def _digest(path: Path) -> str:
    """SHA-256 of a file, or of a folder's files with their names, in the order of these."""
    total = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            if path.is_dir():
                total.update(str(file.relative_to(path)).encode() + b"\0")
            total.update(file.read_bytes())
    return total.hexdigest()
