"""Which faults in converted models are caught: ``python -m benchmarks.faults``, then ``... page``.

``--models`` and ``--mutations`` select by parts of names, separated by commas; ``--quick`` takes one mutant of each
kind instead of two. Earlier results are kept; ``--again`` measures them again, which is necessary after a change of
the verdict. ``prepare`` only builds the models; ``list`` prints all wrong verdicts of paritygate, with figures.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .models import RECIPES, Recipe
from .prepare import FOLDER, prepare, prepared

RESULTS, ALARMS = "faults.jsonl", "alarms.jsonl"


def main() -> None:
    """Prepare missing models, judge new mutants, or write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", nargs="?", default="run", choices=("run", "prepare", "page", "list"))
    parser.add_argument("--models", default="")
    parser.add_argument("--mutations", default="")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--draw", type=int, default=0, help="select a different choice of mutants")
    parser.add_argument("--here", action="store_true", help="in this process, for one model")
    parser.add_argument("--code", default="", help="the commit that was measured, for the page")
    given = parser.parse_args()
    if given.task in ("page", "list"):
        from . import page

        records = everything(RESULTS), everything(ALARMS)
        page.write(*records, given.code) if given.task == "page" else print(page.listing(*records), end="")
        return
    chosen = [recipe for name, recipe in RECIPES.items() if _named(name, given.models)]
    for recipe in chosen:
        if given.task == "prepare" and given.here:
            prepare(recipe)
        elif prepared(recipe) is None:
            _run_in_process("prepare", recipe)
    if given.task == "run":
        for recipe in chosen:
            if prepared(recipe) is not None:
                run(recipe, given.mutations, 1 if given.quick else 2, given.draw, again=given.again)


def _named(name: str, wanted: str) -> bool:
    return not wanted or any(part in name for part in wanted.split(","))


def _run_in_process(task: str, recipe: Recipe) -> None:
    """Run a task in a process of its own: frameworks interfere with each other, and stay in memory."""
    name = next(name for name, other in RECIPES.items() if other is recipe)
    done = subprocess.run([sys.executable, "-m", "benchmarks.faults", task, "--here", "--models", name], check=False)
    print(f"{name}: {'prepared' if done.returncode == 0 else 'NOT PREPARED'}", flush=True)


def run(recipe: Recipe, mutations: str, most: int, draw: int, *, again: bool) -> None:
    """Judge a model's correct conversion and its mutants; each record is written immediately."""
    from .runner import Bench, false_alarms

    model = prepared(recipe)
    assert model is not None
    alarms, faults = model.folder / ALARMS, model.folder / RESULTS
    if again:
        alarms.unlink(missing_ok=True)
        faults.unlink(missing_ok=True)
    if not alarms.exists():
        _append(alarms, false_alarms(model))
    known = {(record["mutation"], record["number"]) for record in read(faults)}
    bench = Bench(model, draw)
    for name in bench.kinds(recipe.kinds):
        if not _named(name, mutations):
            continue
        for number, mutant in enumerate(bench.mutants(name, most)):
            if (name, number) not in known:
                _append(faults, [bench.record(name, number, mutant)])
    print(f"{recipe.name}: {len(read(faults))} mutants", flush=True)


def read(file: Path) -> list[dict[str, Any]]:
    """The records of a file of JSON lines; none if there is no file."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def everything(file: str) -> list[dict[str, Any]]:
    """The records of all models, in the order of the table."""
    return [record for recipe in RECIPES.values() for record in read(FOLDER / recipe.name / file)]


def _append(file: Path, records: Iterable[dict[str, Any]]) -> None:
    with file.open("a") as lines:
        for record in records:
            lines.write(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
