"""Model files for a check: the file itself, or what a source converts to, in a folder that is removed again."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..validate.errors import ParityGateError
from ..validate.events import Listener
from .api import ALL, READERS, resolve
from .model import Kind

_FILES = {Kind.ONNX: "model.onnx", Kind.COREML: "Model.mlpackage"}
"""What a source is converted to for targets that take such files."""


@contextmanager
def checkable(
    source: str, targets: Sequence[str], options: Mapping[str, Any], on_event: Listener
) -> Iterator[list[tuple[Path, tuple[str, ...]]]]:
    """Each file to check, with its targets. Raises what a conversion raises, PG101 where parity doesn't hold."""
    if Path(source).suffix.lower() in READERS:
        yield [(Path(source), tuple(targets))]
        return
    with tempfile.TemporaryDirectory(prefix="paritygate-check-") as folder:
        yield [
            (_converted(source, Path(folder) / _FILES[kind], options, on_event), names)
            for kind, names in _by_kind(targets).items()
        ]


def _by_kind(targets: Sequence[str]) -> dict[Kind, tuple[str, ...]]:
    """The targets by the kind of file that a source is converted to for them."""
    found: dict[Kind, list[str]] = {}
    for name in targets:
        if name.lower() == ALL:
            found.setdefault(Kind.ONNX, []).append(name)
            found.setdefault(Kind.COREML, []).append(name)
            continue
        target, _ = resolve(name)
        kind = next((kind for kind in target.kinds if kind in _FILES), None)
        if kind is None:
            cause = "it takes .tflite files, which a source isn't converted to here"
            raise ParityGateError("PG201", name, cause, "Convert with TensorFlow's converter, and check the .tflite.")
        found.setdefault(kind, []).append(name)
    return {kind: tuple(names) for kind, names in found.items()} or {Kind.ONNX: ()}


def _converted(source: str, output: Path, options: Mapping[str, Any], on_event: Listener) -> Path:
    from ..convert import convert

    conversion = convert(source, output, **options, localise=False, on_event=on_event)
    if conversion.path is None:
        cause = f"it was converted to {output.suffix} for this check, and parity isn't proved"
        raise ParityGateError("PG101", source, cause, f"Run paritygate convert {source} -o {output.name} to see why.")
    return conversion.path
