"""A document as SARIF 2.1.0 (OASIS, Static Analysis Results Interchange Format, 2020), for code scanning."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from ...catalog import CATALOG
from ...guides import guide_of
from ...text import printable, printable_lines
from ..document import Document, Entry
from ..problems import Problem
from ..types import Severity
from .fingerprint import fingerprint
from .lead import problems, story
from .place import uri_of

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}


def render_sarif(document: Document) -> str:
    """Every finding that has a code; a document that passes has no result of level "error"."""
    found = [(entry, problem) for entry in document.entries for problem in problems(entry) if problem.code]
    rules = sorted({problem.code for _, problem in found})
    seen: Counter[str] = Counter()
    results = [_result(entry, problem, rules.index(problem.code), seen) for entry, problem in found]
    run = {
        "tool": {"driver": {"name": "paritygate", **_version(document), "rules": list(map(_rule, rules))}},
        "invocations": [{"executionSuccessful": all(entry.error is None for entry in document.entries)}],
        "automationDetails": {"id": f"paritygate/{document.command}/"},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    content = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(content, allow_nan=False, ensure_ascii=False, indent=2)


def _version(document: Document) -> dict[str, str]:
    return {"version": document.version} if document.version else {}


def _rule(code: str) -> dict[str, Any]:
    known = CATALOG.get(code)
    if known is None:
        return {"id": code}
    return {
        "id": code,
        "name": "".join(word.capitalize() for word in known.title.replace("'", "").split()),
        "shortDescription": {"text": known.title},
        "fullDescription": {"text": known.text},
        "help": {"text": guide_of(code)},
    }


def _result(entry: Entry, problem: Problem, rule: int, seen: Counter[str]) -> dict[str, Any]:
    mark, place = fingerprint(entry, problem, seen), printable(problem.where)
    return {
        "ruleId": problem.code,
        "ruleIndex": rule,
        "level": _LEVELS[problem.severity],
        "message": {"text": printable_lines("\n".join(story(entry, problem)))},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": uri_of(entry.model), "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": 1},
                },
                "logicalLocations": [
                    {"name": place, "fullyQualifiedName": printable(f"{entry.target}/{problem.where}")}
                ],
            }
        ],
        "partialFingerprints": {"paritygate/v1": mark},
    }
