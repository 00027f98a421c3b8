"""The real command line on one file: inspect, run and convert, or the like for samples and working folders."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from fixtures.benign import estimators, networks
from fixtures.hostile.box import Box
from fixtures.hostile.case import CatalogueFile, Role

from .records import Attempt

COMMAND = (sys.executable, "-P", "-m", "paritygate.cli")
"""What the script ``paritygate`` does: Python puts the script's folder first on its path, not the current one."""
LIMITS = ("--timeout", "90", "--memory-limit", "4G")
_PATIENCE = 300.0
_CODE = re.compile(r"PG\d{3}")
_OUTPUT = {"run": "outputs.npz", "convert": "converted.onnx"}


@dataclass(frozen=True, slots=True)
class Line:
    """A command line in a folder, and the OUTPUT that it may write."""

    command: str
    arguments: tuple[str, ...]
    folder: Path
    output: Path


def attempt(file: CatalogueFile, position: int, box: Box) -> Attempt:
    """One of the three commands on a file that has been written to the box."""
    line = command_lines(file, box)[position]
    box.remember()
    start = time.monotonic()
    text, status = _run(line, box)
    seconds = round(time.monotonic() - start, 1)
    code = _CODE.search(text) if status else None
    harm, bug = box.harm(line.output), _bug(text, status)
    return Attempt(file.name, file.format, line.command, status, code[0] if code else "", seconds, harm, bug)


def write(file: CatalogueFile, box: Box) -> None:
    """Write a file, and the harmless model that it needs."""
    if file.model == networks.FACTORY:
        networks.write_factory(box.here)
    elif file.model:
        _MODELS[file.model](box.here / file.model)
    file.write(box.here / file.name)


_MODELS = {
    "ok.onnx": networks.write_onnx,
    "ok_pictures.onnx": networks.write_image_model,
    "ok.pt2": networks.write_exported,
    "ok.keras": networks.write_keras,
    "ok.joblib": estimators.save_as(estimators.FITS[0], "joblib", 4),
}


def command_lines(file: CatalogueFile, box: Box) -> list[Line]:
    """What is run: three commands each."""
    folder = box.here / file.name if file.role is Role.FOLDER else box.here
    if file.role is Role.MODEL:
        model, more = file.name, file.options
    elif file.role is Role.WEIGHTS:
        model, more = file.model, (*file.options, "--weights", file.name)
    elif file.role is Role.SAMPLES:
        model, more = file.model, ("--samples", file.name)
    else:
        model, more = f"../{file.model}", ()
    opset = ("--opset", "18") if model.endswith(".onnx") else ()
    outputs = {name: box.path / "home" / output for name, output in _OUTPUT.items()}
    run = ("run", model, "-o", str(outputs["run"]), *more, *LIMITS)
    convert = ("convert", model, "-o", str(outputs["convert"]), *opset, *more, *LIMITS, "--no-localise")
    if file.role is Role.SAMPLES:
        first = ("validate", model, model, *more, *LIMITS, "--no-localise")
    else:
        first = ("inspect", model, *more, *LIMITS)
    nothing = box.path / "nothing"
    pairs = ((first, nothing), (run, outputs["run"]), (convert, outputs["convert"]))
    return [Line(arguments[0], arguments, folder, output) for arguments, output in pairs]


def _run(line: Line, box: Box) -> tuple[str, int | None]:
    """What the command printed, and its exit status."""
    process = subprocess.Popen(
        [*COMMAND, *line.arguments],
        cwd=line.folder, env=box.environment(), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
    )  # fmt: skip
    try:
        return process.communicate(timeout=_PATIENCE)[0], process.returncode
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()[0], None


def _bug(text: str, status: int | None) -> str:
    """The line in which the file is called a bug; "" if it isn't."""
    if status is None:
        return f"not finished after {_PATIENCE:g} s"
    if status not in range(6):
        return f"ended with status {status}: {text.strip()[-300:]}"
    words = ("PG308", "unexpected error", "Traceback (most recent call last)", "\x1b")
    return next((repr(line.strip())[:400] for line in text.splitlines() if any(word in line for word in words)), "")
