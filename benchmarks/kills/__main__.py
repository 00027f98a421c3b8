"""``python -m benchmarks.kills``: kill exports, print a table, write its section of docs/security.md (``make kills``).

``--stride N`` tries every Nth line only, ``--rounds N`` so many random moments of each kind (0: none), ``--no-page``
writes nothing.
The exit status is 1 if any kill had a wrong outcome.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from .moments import kills_at_moments
from .outcome import Kill
from .steps import kills_at_lines

PAGE = Path("docs/security.md")
_BEGIN, _END = "<!-- kills: written by make kills -->", "<!-- end of kills -->"


def table(kills: Iterable[Kill]) -> str:
    """One row for each kind of OUTPUT and way to kill."""
    counts = Counter((kill.kind, kill.how, "right" if kill.right else "wrong") for kill in kills)
    states = Counter((kill.kind, kill.how, kill.output) for kill in kills)
    lines = [
        "| OUTPUT | killed | kills | old | new | missing or damaged | other faults |",
        "|---|---|---|---|---|---|---|",
    ]
    for kind, how in dict.fromkeys((kind, how) for kind, how, _ in states):
        old, new = states[kind, how, "old"], states[kind, how, "new"]
        wrong = counts[kind, how, "wrong"]
        total = counts[kind, how, "right"] + wrong
        lost = total - old - new
        lines.append(f"| {kind} | {how} | {total} | {old} | {new} | {lost} | {wrong - lost} |")
    return "\n".join(lines)


def section(kills: Sequence[Kill]) -> str:
    """The part of the page between the markers."""
    wrong = sum(not kill.right for kill in kills)
    return f"""{_BEGIN}
## Kill tests

Written by `make kills`. An export is killed by SIGKILL, SIGTERM or SIGINT: before every line of the modules that touch
files ("line"), and whole commands, or one of their workers, at random moments ("moment"). Afterwards OUTPUT has to be
the old or the new model, complete; no process may be left, and no file after the next run; a command whose worker was
killed has to end with status 0 or 3.

{len(kills):,} kills, {wrong} with a wrong outcome. {datetime.now(UTC).date()}, {sys.platform}.

{table(kills)}
{_END}"""


def write_page(text: str, page: Path = PAGE) -> None:
    """Put the section in its place in the page, which is begun if there is none."""
    old = page.read_text() if page.exists() else "# Security\n\n"
    before, _, rest = old.partition(_BEGIN)
    page.write_text(f"{before.rstrip()}\n\n{text}\n{rest.partition(_END)[2].lstrip()}")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--stride", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--no-page", action="store_true")
    options = parser.parse_args()
    kills: list[Kill] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kills += kills_at_lines(folder / "lines", options.stride)
        for kill in kills_at_moments(folder / "moments", options.rounds) if options.rounds else ():
            kills.append(kill)
            print("right" if kill.right else f"WRONG {kill}", kill.kind, kill.how, kill.where, kill.output, flush=True)
    print(table(kills))
    for kill in kills:
        if not kill.right:
            print("WRONG", kill)
    if not options.no_page:
        write_page(section(kills))
    return int(not all(kill.right for kill in kills))


if __name__ == "__main__":
    sys.exit(main())
