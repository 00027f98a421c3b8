"""Virtual environments for other runtimes: made once, with pinned hashes, and kept in a cache folder."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ...errors import ParityGateError
from ...events import Event, Listener
from .catalog import Release

FOLDER_VARIABLE = "PARITYGATE_RUNTIMES"
_PATIENCE = 900
"""Seconds for an installation: OpenVINO's wheel has 60 MB."""


def runtimes_folder() -> Path:
    """Where the environments are: ``$PARITYGATE_RUNTIMES``, else paritygate/runtimes in the user's cache folder."""
    if given := os.environ.get(FOLDER_VARIABLE):
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "paritygate" / "runtimes"


def place_of(release: Release) -> Path:
    """The environment of a release: its name tells the packages, so that other pins make another one."""
    text = "\n".join((*release.pins, f"{sys.version_info[0]}.{sys.version_info[1]}"))
    digest = hashlib.sha256(text.encode()).hexdigest()
    return runtimes_folder() / f"{release.name}-{release.version}-{digest[:12]}"


def python_of(folder: Path) -> Path:
    """The environment's interpreter."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def is_installed(release: Release) -> bool:
    """Whether the environment is there and whole: it gets its name when it is complete."""
    return python_of(place_of(release)).exists()


def installed(release: Release, on_event: Listener) -> Path:
    """The interpreter of a release's environment, which is made if it isn't there.

    Raises ParityGateError PG403 where the packages can't be installed.
    """
    place = place_of(release)
    if not is_installed(release):
        on_event(Event(f"install {release.full_name}"))
        _make(release, place)
    return python_of(place)


def _make(release: Release, place: Path) -> None:
    """Make the environment under another name, then rename it: a killed installation leaves none that looks whole."""
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
    try:
        _run(release, sys.executable, "-m", "venv", str(partial))
        pins = partial / "requirements.txt"
        pins.write_text("\n".join(release.pins) + "\n")
        pip = (str(python_of(partial)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        _run(release, *pip, "--no-deps", "--only-binary", ":all:", "--require-hashes", "--requirement", str(pins))
        try:
            partial.rename(place)
        except OSError:  # another process was faster
            if not is_installed(release):
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _run(release: Release, *command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _failed(release, str(error)) from error
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        raise _failed(release, lines[-1] if lines else f"{command[2]} ended with status {done.returncode}")


def _failed(release: Release, cause: str) -> ParityGateError:
    hint = (
        "The packages are pinned for Python 3.11 on Linux (x86_64); a connection to the package index is needed once."
    )
    return ParityGateError("PG403", release.full_name, f"its environment can't be made: {cause}", hint)
