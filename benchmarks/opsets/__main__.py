"""``python -m benchmarks.opsets``: move ONNX's operator tests to other opsets, write the tables of docs/opsets.md.

Up to 23, and down to 13, 11 and 9, with our rules and with onnx.version_converter (``make opsets``). What has a record
in docs/coverage/opsets.json is skipped, so that an interrupted run goes on; ``--again`` measures everything anew.
``page`` writes the page from the records alone.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from fixtures.onnx_node_tests import Case, cases
from paritygate.convert.routes.onnx.opset import opset_of
from paritygate.convert.routes.onnx.opsets.schemas import DOMAINS

from .isolated import in_a_child
from .measure import CONVERTERS, Outcome, Record, measured, runs_anywhere
from .page import write_page

RECORDS = Path("docs/coverage/opsets.json")
UP, DOWN = 23, (13, 11, 9)
BATCH = 40
"""Tests that one child process measures."""


def moves(case: Case) -> Iterator[int]:
    """The opsets that a test is moved to."""
    source = opset_of(case.model)
    yield from [UP] * (source < UP)
    yield from (target for target in DOWN if target < source)


def records_of(case: Case) -> list[Record]:
    """All moves of one test; none if ONNX Runtime can't run the test itself."""
    if not runs_anywhere(case):
        return []
    return [measured(case, converter, target) for converter in CONVERTERS for target in moves(case)]


def crashed(case: Case) -> list[Record]:
    """The records of a test whose process died."""
    return [
        Record(case.name, case.operator, name, opset_of(case.model), target, Outcome.CRASHES)
        for name in CONVERTERS
        for target in moves(case)
    ]


def read() -> dict[str, list[Record]]:
    """Test -> its records."""
    if not RECORDS.exists():
        return {}
    found = json.loads(RECORDS.read_text())
    return {name: [_record(name, *row) for row in rows] for name, rows in found.items()}


def _record(name: str, operator: str, converter: str, source: int, target: int, outcome: str, detail: str) -> Record:
    return Record(name, operator, converter, source, target, Outcome(outcome), detail)


def _row(record: Record) -> list[str | int]:
    """A record without its test's name, which is the key; only our own refusals are listed with their reasons."""
    detail = record.detail if record.converter == "paritygate" else ""
    return [record.operator, record.converter, record.source, record.target, record.outcome.value, detail]


def write(records: dict[str, list[Record]]) -> None:
    """All records, a test in a line."""
    lines = (
        f"{json.dumps(name)}: {json.dumps([_row(each) for each in rows])}" for name, rows in sorted(records.items())
    )
    RECORDS.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def measure(tests: Iterable[Case], records: dict[str, list[Record]]) -> None:
    """Measure what has no record, and keep the records after every batch."""
    missing = [case for case in tests if case.name not in records]
    for start in range(0, len(missing), BATCH):
        batch = missing[start : start + BATCH]
        records.update(in_a_child(_measured, batch) or _one_by_one(batch))
        write(records)
        print(f"{start + len(batch)} of {len(missing)}", flush=True)


def _measured(batch: list[Case]) -> dict[str, list[Record]]:
    return {case.name: records_of(case) for case in batch}


def _one_by_one(batch: list[Case]) -> dict[str, list[Record]]:
    """The same where a process died: only the test that kills it is lost."""
    return {case.name: crashed(case) if (found := in_a_child(records_of, case)) is None else found for case in batch}


def main() -> None:
    """Parse, measure, write the page."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("what", nargs="?", choices=("all", "page"), default="all")
    arguments.add_argument("--again", action="store_true")
    given = arguments.parse_args()
    records = {} if given.again else read()
    if given.what == "all":
        tests = [case for case in cases() if any(entry.domain in DOMAINS for entry in case.model.opset_import)]
        measure(tests, records)
    write_page([record for rows in records.values() for record in rows])


if __name__ == "__main__":
    main()
