"""What an entry's verdict depends on, as one hash. No framework is imported; onnx only for external data."""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import platform
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ...validate.events import ignore
from ...validate.expectations.tasks.text import is_task_metric, truth_of
from ...validate.report.environment import describe_processor, sha256_of
from ...validate.report.render.json import plain
from ...validate.workers.environment import numeric_variables

if TYPE_CHECKING:
    from ...validate.report.user_checks import Waiver
    from ..plan import Planned

_ROOMS = ("cli", "convert", "gate", "validate")
_ONNX = ".onnx"


def key_of(entry: Planned, waivers: Sequence[Waiver], today: date) -> str | None:
    """A hash of the model, samples, options, waivers in force, code, packages, and the machine's arithmetic.

    None where the verdict may depend on more: code of the user's, and files that may run code. Raises OSError for a
    file that can't be read.
    """
    options = entry.options
    metrics = options.judge.metrics
    own_code = isinstance(entry.source, str) or not all(isinstance(m, str) and is_task_metric(m) for m in metrics)
    if own_code or options.load.trust or options.run.pass_env:
        return None
    assert isinstance(entry.source, Path)
    settings = replace(
        options, judge=replace(options.judge, config=None), run=replace(options.run, on_event=ignore, keep=None)
    )
    described = plain(settings)
    described["run"]["on_event"] = ""
    content = {
        "options": described,
        "source": str(entry.source),
        "output": str(entry.output),
        "model": [sha256_of(path) for path in model_files(entry.source)],
        "samples": sha256_of(options.sample.samples) if isinstance(options.sample.samples, Path) else "",
        "truth": [sha256_of(path) for path in map(truth_of, map(str, metrics)) if path is not None],
        "waivers": [[*map(str, plain(waiver).values()), waiver.expires < today] for waiver in waivers],
        "surroundings": surroundings(),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def model_files(source: Path) -> Iterable[Path]:
    """A model's file or folder, and what the file refers to."""
    if source.name == "saved_model.pb":
        return [source.parent]
    if source.suffix.lower() != _ONNX or not source.is_file() or not _may_have_data(source):
        return [source]
    from ...validate.engines.onnx_files import external_files

    return [source, *external_files(source)]


def _may_have_data(path: Path) -> bool:
    if not path.stat().st_size:
        return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(b"location") >= 0


@cache
def surroundings() -> str:
    """A hash of what is the same for all entries: our code, installed packages, variables, the processor."""
    content = {
        "code": _code(),
        "packages": sorted(_packages()),
        "python": sys.version,
        "system": [platform.system(), platform.machine(), os.cpu_count(), *map(str, describe_processor())],
        "variables": numeric_variables(os.environ),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _code() -> str:
    """A hash of paritygate's own modules: a version number stays the same while the code changes."""
    digest = hashlib.sha256()
    root = Path(__file__).parents[2]
    for room in _ROOMS:
        for path in sorted((root / room).rglob("*.py")):
            digest.update(f"{path.relative_to(root)}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _packages() -> Iterator[str]:
    """Names and versions of what is installed: the names of the folders of metadata, which are quick to list."""
    for folder in map(Path, sys.path):
        if folder.is_dir():
            yield from (path.name for path in folder.iterdir() if path.suffix in (".dist-info", ".egg-info"))
