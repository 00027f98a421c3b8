"""Other scanners on the same files, in an environment of their own: ``python -m benchmarks.hostile.rivals PYTHON``."""

from __future__ import annotations

import json
import resource
import select
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from fixtures.benign import catalogue as benign
from fixtures.hostile import catalogue as hostile
from fixtures.hostile.box import Box
from fixtures.hostile.case import CatalogueFile, Role

from .attempts import write

TOOLS = ("picklescan", "modelscan", "fickling")
RESULTS = Path("build/hostile/rivals.json")
_BOXES = Path("build/hostile/scanned")
_SCRIPT = Path(__file__).with_name("scan.py")
_PATIENCE = 120.0
_MEMORY = 8 << 30

Verdicts = dict[str, str]


class Scanner:
    """A process of one tool that is given one path after the other, and is started again when it dies or hangs."""

    def __init__(self, python: str, tool: str) -> None:
        self._command = [python, str(_SCRIPT), tool]
        self._process: subprocess.Popen[str] | None = None

    def verdict(self, path: Path) -> str:
        """What the tool says, or "crashed"."""
        process = self._process or self._start()
        pipes: tuple[IO[str], IO[str]] = process.stdin, process.stdout  # type: ignore[assignment]
        pipes[0].write(f"{path}\n")
        pipes[0].flush()
        line = pipes[1].readline() if select.select([pipes[1]], [], [], _PATIENCE)[0] else ""
        if not line:
            self.close()
            return "crashed"
        return str(json.loads(line)[1])

    def _start(self) -> subprocess.Popen[str]:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY)),
        )  # fmt: skip
        return self._process

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
        self._process = None


def scan(python: str, files: Iterable[CatalogueFile], known: dict[str, Verdicts]) -> Iterator[None]:
    """Add what is missing to ``known``, tool -> name of a file -> verdict, and yield after each file.

    Working folders are no files that a scanner is for.
    """
    scanners = {tool: Scanner(python, tool) for tool in TOOLS}
    for file in files:
        if file.role is Role.FOLDER or file.name in known[TOOLS[-1]]:
            continue
        box = Box(_BOXES / file.name)
        write(file, box)
        for tool, scanner in scanners.items():
            known[tool][file.name] = scanner.verdict(box.here / file.name)
        print(file.name, *(known[tool][file.name] for tool in TOOLS), sep="  ", flush=True)
        box.remove()
        yield
    for scanner in scanners.values():
        scanner.close()


def versions(python: str) -> dict[str, str]:
    """Tool -> its version in that environment."""
    script = "import sys, importlib.metadata as m; print(*map(m.version, sys.argv[1:]))"
    done = subprocess.run([python, "-c", script, *TOOLS], capture_output=True, text=True, check=True)
    return dict(zip(TOOLS, done.stdout.split(), strict=True))


def main() -> None:
    """Scan both catalogues and keep the verdicts for :mod:`.page`; verdicts of the same versions are kept."""
    python = sys.argv[1]
    used = versions(python)
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    if kept.get("versions") != used:
        kept = {"versions": used, **{kind: {tool: {} for tool in TOOLS} for kind in ("hostile", "benign")}}
    for kind, catalogue in (("hostile", hostile), ("benign", benign)):
        for _ in scan(python, catalogue.files(), kept[kind]):
            RESULTS.write_text(json.dumps(kept, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
