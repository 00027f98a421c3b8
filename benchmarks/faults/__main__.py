"""Faults in converted models, and who notices them: ``python -m benchmarks.faults`` and then ``... page``.

``--models`` and ``--mutations`` name parts, separated by commas (a part of a name will do); ``--quick`` takes one
mutant of each kind instead of two. What was judged before is kept; ``--anew`` judges it again, as it must be when the
gate has changed. ``prepare`` only builds the models; ``list`` prints all that the gate got wrong, with figures.
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
    """Prepare what is missing, judge what isn't judged, or write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", nargs="?", default="run", choices=("run", "prepare", "page", "list"))
    parser.add_argument("--models", default="")
    parser.add_argument("--mutations", default="")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--anew", action="store_true")
    parser.add_argument("--draw", type=int, default=0, help="another choice of mutants")
    parser.add_argument("--here", action="store_true", help="in this process, for one model")
    parser.add_argument("--code", default="", help="for the page: the commit that was measured")
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
            _apart("prepare", recipe)
    if given.task == "run":
        for recipe in chosen:
            if prepared(recipe) is not None:
                run(recipe, given.mutations, 1 if given.quick else 2, given.draw, anew=given.anew)


def _named(name: str, wanted: str) -> bool:
    return not wanted or any(part in name for part in wanted.split(","))


def _apart(task: str, recipe: Recipe) -> None:
    """A process of its own for each source: frameworks don't mix well, and they stay in memory."""
    name = next(name for name, other in RECIPES.items() if other is recipe)
    done = subprocess.run([sys.executable, "-m", "benchmarks.faults", task, "--here", "--models", name], check=False)
    print(f"{name}: {'prepared' if done.returncode == 0 else 'NOT PREPARED'}", flush=True)


def run(recipe: Recipe, mutations: str, most: int, draw: int, *, anew: bool) -> None:
    """Judge a model's correct conversion and its mutants; each record is written as soon as it is known."""
    from .runner import Bench, false_alarms

    model = prepared(recipe)
    assert model is not None
    alarms, faults = model.folder / ALARMS, model.folder / RESULTS
    if anew:
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
    """The records of a file of JSON lines; none where there is no file."""
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
