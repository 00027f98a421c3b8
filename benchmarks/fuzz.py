"""Damage small files of every format, describe and run each copy, and print what came of it.

``python -m benchmarks.fuzz [--count 36] [--seed N] [NAME ...]``; ``make fuzz`` runs all. A copy is refused with a clear
error (exit status 2, 4 or 5), read with a result, ends the process by a crash that is contained, or runs into a limit.
Anything else is wrong, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from fixtures.damaged.files import FILES
from fixtures.damaged.mutate import SEED
from fixtures.damaged.server import CRASH, LIMIT, REFUSED, RESULT, WRONG

_COLUMNS = (REFUSED, RESULT, CRASH, LIMIT, WRONG)
_ROOT = Path(__file__).parent.parent


def outcomes(name: str, count: int, seed: int) -> list[list[str]]:
    """The server's lines for one file, split: number, step, outcome, sentence."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "fixtures.damaged.server", name, folder, str(count), str(seed)]
        done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True)
    lines = [line.split("\t", 3) for line in done.stdout.splitlines()]
    if done.returncode or len(lines) != 2 * count:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        lines.append(["-", "-", WRONG, f"the server ended with status {done.returncode}: {last}"])
    return lines


def main() -> int:
    """Print the table; 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--count", type=int, default=36)
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    print(f"{given.count} damaged copies of each file, inspect and run; seed {given.seed}\n")
    print(f"| file | {' | '.join(_COLUMNS)} |\n|---|{'---|' * len(_COLUMNS)}", flush=True)
    wrong: list[str] = []
    for file in FILES:
        if given.names and file.name not in given.names:
            continue
        lines = outcomes(file.name, given.count, given.seed)
        counts = Counter(line[2] for line in lines)
        print(f"| {file.name} | {' | '.join(str(counts[column]) for column in _COLUMNS)} |", flush=True)
        wrong += [f"{file.name} {' '.join(line)}" for line in lines if line[2] == WRONG]
    print("\n".join(["", *wrong]))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
