"""``paritygate init``: a config for the models that a folder holds, with comments, that runs as it is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ...validate.detect import detect
from ...validate.engines.registry import Format
from ...validate.errors import ParityGateError
from ...validate.expectations.config import FILE, find_config
from ...validate.sample_formats import IMAGES, SUFFIXES

_DEPTH = 3
"""How many folders deep models are looked for."""

_SKIPPED = frozenset({"node_modules", "__pycache__", "venv", "env", "site-packages", "build", "dist", "exported"})
_SAMPLES = frozenset(SUFFIXES) - frozenset(IMAGES.suffixes)

_HEAD = """\
# The models of this folder, and what they are exported to. `paritygate gate` converts each one, runs the original and
# the converted model on the same samples, and writes those whose outputs agree. docs/gate.md explains every key.

[gate]
output = "exported"        # the folder that is written to
# jobs = 2                 # how many models at once
# fail_on = "inconclusive" # or "fail", "warning"

# [defaults]               # options of all models, and of `paritygate convert` and `validate` in this folder
# seed = 0
# max_flips = "0.5%"
"""

_TAIL = """
# A difference that was reviewed and accepted until a day:
# [[waiver]]
# output = "logits"
# max_abs = 1e-3
# reason = "the old model rounds twice; ticket 17"
# expires = 2027-01-31
"""


def write_starter(folder: Path) -> Path:
    """Write paritygate.toml for the models in ``folder``. Returns where it is.

    Raises ParityGateError PG201 where there is a config already, PG223 where there is no model.
    """
    existing = find_config(None, folder)
    if existing is not None:
        raise ParityGateError("PG201", str(existing), "there is a config already", "Edit it, or remove it first.")
    models = find_models(folder)
    if not models:
        formats = "A model is a file or folder that `paritygate inspect` reads."
        raise ParityGateError("PG223", str(folder.absolute()), "no model was found in this folder", formats)
    path = folder / FILE
    with path.open("x", encoding="utf-8") as file:
        file.write(starter(folder, models))
    return path


def find_models(folder: Path) -> Mapping[Path, Format]:
    """The models in a folder and the folders below it, by path."""
    return {path: format for path, format in _walk(folder, _DEPTH) if format is not None}


def _walk(folder: Path, depth: int) -> Iterator[tuple[Path, Format | None]]:
    """Files and folders with the format of those that are models, which aren't looked into."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name in _SKIPPED or path.is_symlink():
            continue
        format = _format(path)
        yield path, format
        if format is None and path.is_dir() and depth > 0:
            yield from _walk(path, depth - 1)


def _format(path: Path) -> Format | None:
    """A model's format; None for what can't be opened without being told more."""
    if path.suffix.lower() in _SAMPLES:
        return None
    try:
        return detect(path)
    except (ParityGateError, OSError):
        return None


def starter(folder: Path, models: Mapping[Path, Format]) -> str:
    """The text of the config."""
    samples = [path for path, _ in _walk(folder, _DEPTH) if path.suffix.lower() in _SAMPLES and path.is_file()]
    tables = (_table(folder, path, format, samples) for path, format in models.items())
    return "\n".join((_HEAD, *tables)) + _TAIL


def _table(folder: Path, path: Path, format: Format, samples: Sequence[Path]) -> str:
    lines = [f"[[model]]  # {format.title}", f"path = {_quoted(folder, path)}", 'targets = ["onnx"]  # or "mlpackage"']
    own = [sample for sample in samples if sample.stem == path.stem]
    lines += [f"samples = {_quoted(folder, sample)}" for sample in own[:1]]
    if not own:
        near = samples[0] if samples else folder / "holdout.npz"
        lines.append(f"# samples = {_quoted(folder, near)}  # your own data proves more than generated samples")
    return "\n".join(lines) + "\n"


def _quoted(folder: Path, path: Path) -> str:
    """A path as TOML's text, which JSON's form of a text is, too."""
    return json.dumps(path.relative_to(folder).as_posix(), ensure_ascii=False)
