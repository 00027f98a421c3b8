"""A model that a process of another environment runs. It speaks JSON, one line each way; arrays are .npy files."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ParityGateError
from ...signature import Hint
from ..base import Facts, LoadOptions
from .catalog import Release

if TYPE_CHECKING:
    from ...signature import Array, Feed
    from ..base import Model

SCRIPTS = Path(__file__).parent / "scripts"


@dataclass(frozen=True, slots=True)
class Described:
    """What a runtime says of itself: its version, what computes, in which precision, with how many threads."""

    version: str
    provider: str
    precision: str
    threads: int


class ElsewhereModel:
    """A model in another runtime; the signature and the facts are those that our own engine reads from the file."""

    def __init__(self, release: Release, python: str, path: Path, ours: Model) -> None:
        self.native, self.signature = path, ours.signature
        self._facts = ours.facts()
        self._folder = tempfile.TemporaryDirectory(prefix="elsewhere-")
        self._count = 0
        self.seconds = 0.0
        self._process = _started(release, python, path)
        self._name, self._runs = release.name, 0
        self.described = self._hello(release)
        self.notes = self._said()

    def _said(self) -> tuple[str, ...]:
        """What ran it and how, and how long a run took: for information, it decides nothing."""
        timed = f", {1e3 * self.seconds / self._runs:.3g} ms per run" if self._runs else ""
        return (f"{self._name} {self.described.version}, {_summary(self.described)}{timed}",)

    def _hello(self, release: Release) -> Described:
        said = self._answer(release.full_name)
        return Described(said["version"], said["provider"], said["precision"], said["threads"])

    def run(self, feed: Feed) -> dict[str, Array]:
        """Run one feed there. Raises ParityGateError PG302 where the runtime fails."""
        names = {name: self._store(array) for name, array in feed.items()}
        self._say(
            {"feed": names, "outputs": [spec.name for spec in self.signature.outputs], "folder": self._folder.name}
        )
        said = self._answer(str(self.native))
        self.seconds, self._runs = self.seconds + said["seconds"], self._runs + 1
        self.notes = self._said()
        found = {name: np.load(file, allow_pickle=False) for name, file in said["outputs"].items()}
        for file in (*names.values(), *said["outputs"].values()):
            Path(file).unlink(missing_ok=True)
        return found

    def _store(self, array: Array) -> str:
        self._count += 1
        file = Path(self._folder.name) / f"in{self._count}.npy"
        np.save(file, array.astype(np.str_) if array.dtype.kind == "O" else array, allow_pickle=False)
        return str(file)

    def _say(self, request: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except OSError:
            pass  # it has ended: the answer that doesn't come says so

    def _answer(self, subject: str) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            status = self._process.wait()
            raise ParityGateError("PG302", subject, f"the runtime's process ended with status {status}")
        said: dict[str, Any] = json.loads(line)
        if "error" in said:
            raise ParityGateError(said.get("code", "PG302"), subject, said["error"])
        return said

    def hints(self) -> tuple[Hint, ...]:
        """Nothing: the samples are made already."""
        return ()

    def facts(self) -> Facts:
        """The file's own."""
        return self._facts


def _summary(described: Described) -> str:
    threads = f"{described.threads} threads" if described.threads else "as many threads as it likes"
    return f"{described.provider}, {described.precision}, {threads}"


def _started(release: Release, python: str, path: Path) -> subprocess.Popen[str]:
    if not Path(python).exists():
        raise ParityGateError(
            "PG403", release.full_name, "its environment isn't there", "paritygate doctor lists them."
        )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.Popen(
        [python, "-I", str(SCRIPTS / release.script), str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip


def load(source: Path, options: LoadOptions, release: Release, python: str) -> ElsewhereModel:
    """Open a file in another runtime, in the environment whose interpreter is ``python``.

    Raises ParityGateError PG301 where it is refused there, PG403."""
    ours = _ours(source, options)
    try:
        return ElsewhereModel(release, python, source, ours)
    except ParityGateError as error:
        if error.code == "PG302":
            raise ParityGateError("PG301", str(source), f"{release.full_name} refuses it: {error.cause}") from error
        raise


def _ours(source: Path, options: LoadOptions) -> Model:
    if source.suffix == ".onnx":
        from ..onnxruntime import load as load_onnx

        return load_onnx(source, options)
    from ..tensorflow.tflite import load as load_tflite

    return load_tflite(source, options)
