"""Build a model once: its source, its correct conversion, and the reference's outputs for every sample."""

from __future__ import annotations

import pickle
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from paritygate.convert.routes.base import Candidate, RouteOptions
from paritygate.convert.routes.registry import routes_for
from paritygate.convert.targets import Target, choose_target
from paritygate.convert.tasks import follow
from paritygate.validate.engines.choice import handle_for
from paritygate.validate.engines.handle import ModelHandle
from paritygate.validate.events import ignore
from paritygate.validate.samples import generate_samples, limited, save_outputs, save_samples
from paritygate.validate.tasks.calls import RunReference
from paritygate.validate.tasks.reference import run_reference
from paritygate.validate.tasks.types import ModelRun
from paritygate.validate.workers.job_folder import JobFolder

from .models import Recipe

FOLDER = Path("build/faults")
SEEDS = (0, 1, 2, 3, 4)
_UNSEEN_SEED, _UNSEEN_TURNS = 99, 16
"""16 samples at each of two batch sizes: at least 64 rows that no judge sees."""


@dataclass(frozen=True)
class Prepared:
    """One model: its name and format, the reference's runs by seed, and the converted file with its bindings."""

    name: str
    family: str
    target: Target
    folder: Path
    source: ModelHandle
    runs: dict[int, ModelRun]
    candidate: Candidate

    def job(self, seed: int) -> JobFolder:
        """The job folder of one seed of samples."""
        return JobFolder(self.folder / f"seed{seed}")

    @property
    def unseen(self) -> JobFolder:
        """The job folder of the samples that no judge sees."""
        return JobFolder(self.folder / "unseen")


def prepared(recipe: Recipe) -> Prepared | None:
    """The result of an earlier :func:`prepare` of this model; None without one."""
    file = FOLDER / recipe.name / "prepared.pickle"
    return pickle.loads(file.read_bytes()) if file.exists() else None


def prepare(recipe: Recipe) -> Prepared:
    """Build the model, run it on the samples of all seeds, convert it; keeps everything in a folder."""
    folder = FOLDER / recipe.name
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "unseen").mkdir(parents=True)
    source = recipe.build(folder)
    handle = handle_for(source.model, source.load)
    runs: dict[int, ModelRun] = {}
    for seed in SEEDS:
        job = folder / f"seed{seed}"
        job.mkdir()
        call = RunReference(JobFolder(job), handle, replace(source.samples, seed=seed), source.limits)
        model, runs[seed] = run_reference(call, ignore)
    samples = generate_samples(
        limited(model.signature, source.limits.shapes, source.limits.ranges),
        model.hints(),
        seed=_UNSEEN_SEED,
        ranges=source.samples.ranges,
        count=_UNSEEN_TURNS,
        batch_sizes=source.samples.batch_sizes,
    )
    unseen = JobFolder(folder / "unseen")
    save_samples(samples, unseen.samples)
    save_outputs([model.run(feed) for feed in samples.feeds], unseen.expected)
    target = choose_target(folder, recipe.target)
    route, *_ = routes_for(handle.format, target, None)
    candidate = follow(route, model, folder / f"model{target.suffix}", RouteOptions())
    done = Prepared(recipe.name, recipe.family, target, folder, handle, runs, candidate)
    (folder / "prepared.pickle").write_bytes(pickle.dumps(done))
    return done
