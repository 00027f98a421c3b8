"""The files of one job: what its processes share, and what ``--keep`` leaves (docs/job-folder.md)."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..errors import ParityGateError
from ..files.marks import PREFIX, abandoned, marked
from ..files.output import check_space, explaining
from ..files.replace import remove


@dataclass(frozen=True, slots=True)
class JobFolder:
    """A folder whose files have fixed names; arrays are in .npz files with one entry per sample."""

    path: Path

    @property
    def samples(self) -> Path:
        """The samples that both models are run on."""
        return self.path / "samples.npz"

    @property
    def weights(self) -> Path:
        """The reference's parameters and buffers (docs/job-folder.md)."""
        return self.path / "weights.zip"

    @property
    def expected(self) -> Path:
        """The reference's outputs."""
        return self.path / "expected.npz"

    @property
    def repeated(self) -> Path:
        """The reference's outputs for the first few samples, computed a second time."""
        return self.path / "again.npz"

    @property
    def paired(self) -> Path:
        """The reference's outputs for samples of one row, in a batch with a copy of that row."""
        return self.path / "paired.npz"

    @property
    def shaken(self) -> Path:
        """Squared deviations of the reference's outputs when the last bit of its inputs changes."""
        return self.path / "shaken.npz"

    @property
    def actual(self) -> Path:
        """The candidate's outputs."""
        return self.path / "actual.npz"

    @property
    def repeated_actual(self) -> Path:
        """The candidate's outputs for the first few samples, computed a second time."""
        return self.path / "actual-again.npz"

    @property
    def unoptimised(self) -> Path:
        """The candidate's outputs without ONNX Runtime's graph optimisation."""
        return self.path / "plain.npz"

    @property
    def noise(self) -> Path:
        """Squared deviations of the candidate's perturbed runs from its outputs without graph optimisation."""
        return self.path / "noise.npz"

    @property
    def second_opinion(self) -> Path:
        """The candidate's outputs computed by onnx.reference."""
        return self.path / "opinion.npz"

    @property
    def trees(self) -> Path:
        """The reference's ensembles of trees, for a proof that the candidate's are equal."""
        return self.path / "trees.npz"

    @property
    def found(self) -> Path:
        """Samples that a search has found, until both models have been run on them."""
        return self.path / "found.npz"

    @property
    def traced_samples(self) -> Path:
        """The samples that a failure is localised with."""
        return self.path / "localise-samples.npz"

    @property
    def traced_outputs(self) -> Path:
        """The reference's outputs for these samples."""
        return self.path / "localise-outputs.npz"

    @property
    def traced_layers(self) -> Path:
        """What the reference's layers computed for these samples."""
        return self.path / "localise-layers.npz"

    @property
    def converted(self) -> Path:
        """The folder with the converted files, one folder per route."""
        return self.path / "converted"

    def other_runtime(self, role: str) -> Path:
        """The outputs of one model (``reference`` or ``candidate``) computed by its second runtime."""
        return self.path / f"{role}-other-runtime.npz"

    def elsewhere(self, release: str) -> Path:
        """The candidate's outputs computed by another release or runtime (``onnxruntime@1.16``)."""
        return self.path / f"elsewhere-{release.replace('@', '-')}.npz"

    def unused(self, stem: str) -> str:
        """A name for a folder that no earlier step of this job has."""
        turn = len(list(self.path.glob(f"{stem}*")))
        return f"{stem}{turn}" if turn else stem


@contextmanager
def job_folder(keep: Path | None) -> Iterator[JobFolder]:
    """A private folder for one job, removed at the end whatever happens; ``keep`` stays.

    Raises PG201 for a ``keep`` that isn't new, PG205 where the system lets nobody write (:mod:`..files.output`).
    """
    if keep is None:
        with temporary_folder() as folder, explaining(f"the folder for temporary files, {folder.parent}"):
            yield JobFolder(folder)
        return
    with explaining(str(keep)):
        if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
            raise ParityGateError("PG201", str(keep), "the folder for --keep is not empty", "Name a new folder.")
        keep.mkdir(parents=True, exist_ok=True)
        check_space(keep)
        yield JobFolder(keep.absolute())


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A new folder for this process, and whatever killed ones have left there is removed. Raises PG205."""
    parent = _temporary_files()
    with explaining(f"the folder for temporary files, {parent}"):
        check_space(parent)
        for left in parent.glob(f"{PREFIX}*"):
            if abandoned(left):
                remove(left)
        folder = parent / marked()
        folder.mkdir(0o700)
    try:
        yield folder
    finally:
        remove(folder)


def _temporary_files() -> Path:
    """Where temporary files go: TMPDIR, which must be usable if it is set. Raises PG205."""
    named = os.environ.get("TMPDIR")
    if named and not (Path(named).is_dir() and os.access(named, os.W_OK | os.X_OK)):
        raise ParityGateError(
            "PG205", f"TMPDIR={named}", "it is not a folder that can be written to", "Name another one."
        )
    try:
        return Path(named or tempfile.gettempdir()).absolute()
    except FileNotFoundError as error:
        raise ParityGateError("PG205", "temporary files", str(error), "Set TMPDIR to a folder.") from error
