"""Build a model once: its source, its correct conversion, and the reference's outputs for every sample."""

from __future__ import annotations

import pickle
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from paritygate.convert.calls import take
from paritygate.convert.routes.base import Candidate, ConvertOptions
from paritygate.convert.routes.registry import ROUTES
from paritygate.validate.detect import detect
from paritygate.validate.engines.registry import Format
from paritygate.validate.samples import generate_samples, limited, save_outputs, save_samples
from paritygate.validate.tasks.reference import run_reference
from paritygate.validate.workers.events import ignore
from paritygate.validate.workers.job import EXPECTED, SAMPLES, Ran

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
    target: str
    folder: Path
    format: Format
    runs: dict[int, Ran]
    candidate: Candidate

    def job(self, seed: int) -> Path:
        """The job folder of one seed of samples."""
        return self.folder / f"seed{seed}"

    @property
    def unseen(self) -> Path:
        """The job folder of the samples that no judge sees."""
        return self.folder / "unseen"


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
    source_format = detect(source.model)
    runs: dict[int, Ran] = {}
    for seed in SEEDS:
        job = folder / f"seed{seed}"
        job.mkdir()
        plan = replace(source.plan, seed=seed)
        model, runs[seed] = run_reference(job, source_format, source.model, source.load, plan, ignore)
    samples = generate_samples(
        limited(model.signature, source.plan.shapes, source.plan.bounds),
        model.hints(),
        seed=_UNSEEN_SEED,
        ranges=source.plan.ranges,
        count=_UNSEEN_TURNS,
        batch_sizes=source.plan.batch_sizes,
    )
    save_samples(samples, folder / "unseen" / SAMPLES)
    save_outputs([model.run(feed) for feed in samples.feeds], folder / "unseen" / EXPECTED)
    way, *_ = ROUTES[source_format.name, "onnx" if recipe.target == "onnx" else "coreml"]
    candidate = take(way, model, folder / f"model.{recipe.target}", ConvertOptions())
    done = Prepared(recipe.name, recipe.family, recipe.target, folder, source_format, runs, candidate)
    (folder / "prepared.pickle").write_bytes(pickle.dumps(done))
    return done
