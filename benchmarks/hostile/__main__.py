"""``python -m benchmarks.hostile``: the hostile catalogue through the command line; status 1 if anything was executed.

Results are kept in build/hostile, one file per commit, so that a run that was stopped goes on. First each file is
inspected, then run, then converted. ``--quick`` tries some files in one process.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.table import Table

from fixtures.benign import catalogue as benign
from fixtures.hostile import catalogue as hostile
from fixtures.hostile.box import Box
from fixtures.hostile.case import CatalogueFile
from fixtures.hostile.quick import try_quickly

from .attempts import attempt, write
from .page import write_page
from .records import Attempt, Outcome, Trial, append, by_format, counts, read, trials
from .rivals import RESULTS as RIVALS
from .without_landlock import take_landlock_away

FOLDER = Path("build/hostile")
_PROCESSES = 2
_COMMANDS = range(3)
_writing = threading.Lock()  # frameworks can't be imported twice at once


def main() -> int:
    """Run what is missing, print the tables, write the page if the scanners have been run."""
    options = _options()
    if options.quick:
        return int(any(tried.harm for tried in try_quickly(FOLDER / "quick")))
    if not options.confined:
        take_landlock_away()
    commit = code_version()
    FOLDER.mkdir(parents=True, exist_ok=True)
    attacks = _run_all("hostile", list(hostile.files()), _COMMANDS, commit, options)
    alarms = _run_all("harmless", list(benign.files()), _COMMANDS[:1], commit, options)
    if RIVALS.is_file() and not (options.only or options.confined):
        write_page(attacks, alarms, commit)
    return int(any(trial.outcome is Outcome.EXECUTED for trial in attacks))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="try some files in one process")
    parser.add_argument("--again", action="store_true", help="forget what an earlier run of this commit has noted")
    parser.add_argument("--confined", action="store_true", help="with Landlock, where the kernel has it")
    parser.add_argument("--only", default="", metavar="WORD", help="files whose names start with WORD")
    return parser.parse_args()


def code_version() -> str:
    """The commit, with ``+`` if a file has been changed since."""
    number = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    changed = subprocess.run(["git", "status", "--porcelain", "-uno"], capture_output=True, text=True, check=False)
    return number.stdout.strip() + "+" * bool(changed.stdout.strip())


def _run_all(
    kind: str, files: Sequence[CatalogueFile], positions: Iterable[int], commit: str, options: argparse.Namespace
) -> list[Trial]:
    """What happened to each file, from earlier runs or now; printed as a table."""
    results = FOLDER / f"{kind}-{commit or 'unknown'}{'-confined' * options.confined}.jsonl"
    if options.again:
        results.unlink(missing_ok=True)
    wanted = [file for file in files if file.name.startswith(options.only)]
    for position in positions:
        done = {each.name for each in list(_of_turn(read(results), position))}
        _run_turn([file for file in wanted if file.name not in done], position, results)
    names = {file.name for file in wanted}
    tried = trials(each for each in read(results) if each.name in names)
    _print(f"{kind} files", tried, dict.fromkeys(file.format for file in wanted))
    return tried


def _of_turn(attempts: Iterable[Attempt], position: int) -> Iterable[Attempt]:
    names = (("inspect", "validate"), ("run",), ("convert",))[position]
    return (each for each in attempts if each.command in names)


def _run_turn(files: Sequence[CatalogueFile], position: int, results: Path) -> None:
    with ThreadPoolExecutor(_PROCESSES) as pool:
        for number, done in enumerate(pool.map(lambda file: _try(file, position), files), start=1):
            append(results, done)
            what = f"{done.status} {done.code}"
            print(f"{number}/{len(files)}", done.command, done.name, what, *done.harm, done.bug, flush=True)


def _try(file: CatalogueFile, position: int) -> Attempt:
    box = Box(FOLDER / "boxes" / str(position) / file.name)
    with _writing:
        write(file, box)
    done = attempt(file, position, box)
    if not (done.harm or done.bug):
        box.remove()
    return done


def _print(title: str, tried: Sequence[Trial], order: Iterable[str]) -> None:
    table = Table("format", "files", *(outcome.value for outcome in Outcome), "called a bug", title=title)
    for name, group in {**by_format(tried, order), "all": tried}.items():
        table.add_row(name, *map(str, (len(group), *counts(group), sum(trial.called_a_bug for trial in group))))
    Console(width=150).print(table)
    for each in (each for trial in tried for each in trial.attempts if each.harm or each.bug):
        print(f"{each.name} {each.command}:", *each.harm, each.bug)


if __name__ == "__main__":
    sys.exit(main())
