"""A document as JUnit XML: a suite per entry, a test case per output and per error.

What isn't proved is an error there, never "skipped": a CI system shows that as green.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...text import printable, printable_lines
from ..document import Document, Entry, Status
from ..problems import Problem, errors_of, problem_of
from .contents import title
from .lead import problems, story

if TYPE_CHECKING:
    from junitparser import TestCase, TestSuite

_HEAD = "<?xml version='1.0' encoding='utf-8'?>\n"


def render_junit(document: Document) -> str:
    """The whole document; every text is printable, so no character is in it that XML forbids."""
    from junitparser import JUnitXml

    root = JUnitXml(f"paritygate {printable(document.command)}")
    for entry in document.entries:
        # not add_testsuite, which joins two that are alike
        root.append(_suite(document, entry))  # type: ignore[no-untyped-call]  # junitparser types its parameters only
    root.update_statistics()  # type: ignore[no-untyped-call]  # the same
    return _HEAD + str(root.tostring().decode())  # type: ignore[no-untyped-call]  # the same


def _suite(document: Document, entry: Entry) -> TestSuite:
    from junitparser import TestSuite

    suite = TestSuite(printable(f"{entry.model} -> {entry.target}"))
    if document.started:
        suite.timestamp = printable(document.started)
    about = {"paritygate": document.version, "status": entry.status.value, "written": entry.written}
    for name, value in about.items():
        if value:
            suite.add_property(name, printable(value))
    cases = _cases(entry)
    for case in cases:
        case.time = entry.seconds / len(cases)  # both models run once for all outputs
        suite.add_testcase(case)
    return suite


def _cases(entry: Entry) -> list[TestCase]:
    outputs = entry.report.outputs if entry.report else ()
    cases = [_case(entry, title(output), None if output.passed else problem_of(output)) for output in outputs]
    shown = {problem_of(output) for output in outputs if not output.passed}
    return [*cases, *(_case(entry, error.where, error) for error in errors_of(problems(entry)) if error not in shown)]


def _case(entry: Entry, name: str, problem: Problem | None) -> TestCase:
    from junitparser import Error, Failure, TestCase

    case = TestCase(printable(name), printable(entry.model))
    if problem is not None:
        kind = Failure if entry.status is Status.FAIL and problem.code.startswith("PG1") else Error
        result = kind(printable(problem.message), problem.code)
        result.text = printable_lines("\n".join(story(entry, problem)))
        case.result = [result]
    return case
