"""``python -m benchmarks.installs extras|matrix``: one environment after the other, a line of the result for each."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from .smoke import SMOKE

ROOT = Path(__file__).parent.parent.parent
ENVIRONMENTS = ROOT / "build" / "installs"
VERSIONS = ("3.11", "3.12", "3.13")
"""Those that pyproject.toml's ``requires-python`` allows."""

IN_MATRIX = ("base", "sklearn", "tensorflow")


def main(what: str, chosen: list[str]) -> int:
    """Try all, or the extras and versions that are chosen; the exit status is the number of failures."""
    wheel = _wheel()
    results = [_try(wheel, python, extra) for python, extra in _plan(what, chosen)]
    return results.count(False)


def _plan(what: str, chosen: list[str]) -> Iterator[tuple[str, str]]:
    """(interpreter, extra) of each environment."""
    if what == "extras":
        yield from ((sys.executable, extra) for extra in SMOKE if not chosen or extra in chosen)
        return
    for version in VERSIONS:
        python = _interpreter(version)
        if python is None:
            print(f"{version:<6} is not on this machine", flush=True)
            continue
        yield from ((python, extra) for extra in IN_MATRIX if not chosen or {extra, version} & set(chosen))


def _interpreter(version: str) -> str | None:
    """An interpreter of that version which runs: on PATH, or one of pyenv's."""
    found = shutil.which(f"python{version}")
    pyenv = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python"))
    for python in filter(None, (found, *map(str, pyenv))):
        if subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0:
            return python
    return None


def _wheel() -> Path:
    folder = ENVIRONMENTS / "wheel"
    shutil.rmtree(folder, ignore_errors=True)
    _run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT))
    (wheel,) = folder.glob("*.whl")
    return wheel


def _try(wheel: Path, python: str, extra: str) -> bool:
    version = subprocess.run([python, "-V"], capture_output=True, text=True, check=True).stdout.split()[1]
    folder, start = ENVIRONMENTS / f"{version}-{extra}", time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)
    try:
        _run(python, "-m", "venv", str(folder))
        wanted = str(wheel) if extra == "base" else f"{wheel}[{extra}]"
        own = str(folder / "bin" / "python")
        _run(own, "-m", "pip", "install", "--quiet", "--constraint", str(ROOT / "constraints.txt"), wanted)
        with tempfile.TemporaryDirectory() as empty:
            _run(own, "-P", str(Path(__file__).parent / "smoke.py"), extra, cwd=empty)
        said = "works"
    except subprocess.CalledProcessError as error:
        said = f"FAILS: {error.stderr.strip()[-1500:]}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{version:<8} {extra:<12} {time.monotonic() - start:6.0f} s  {said}", flush=True)
    return said == "works"


def _run(*command: str, cwd: str | None = None) -> None:
    subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
