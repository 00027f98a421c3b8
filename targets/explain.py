"""One target in words: its versions, rules, what isn't known, and where the facts are from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .facts import Citation, read
from .registry import Target


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is known of a target. ``sources`` are those of its facts, by the names that these have in the file."""

    name: str
    title: str
    takes: tuple[str, ...]
    versions: tuple[str, ...]
    default: str
    evidence: str
    retrieved: str
    rules: tuple[str, ...]
    unknown: tuple[str, ...]
    sources: dict[str, Citation]


def explain(target: Target) -> Explanation:
    """All that there is to say of a target."""
    facts = read(target.family)
    sources = {
        name: Citation(
            str(source.get("kind", "document")), str(source.get("ref") or source.get("what")), facts["retrieved"]
        )
        for name, source in facts["sources"].items()
    }
    rules = tuple(dict.fromkeys(_sentences(facts)))
    unknown = tuple(map(str, facts.get("unknown", ())))
    takes = tuple(kind.value for kind in target.kinds)
    return Explanation(
        target.name,
        target.title,
        takes,
        target.versions,
        target.default,
        target.evidence,
        facts["retrieved"],
        rules,
        unknown,
        sources,
    )


def _sentences(facts: Any) -> Iterator[str]:
    """The rules, facts, findings and notes of a file, in its order."""
    for key in ("rule", "rules", "facts", "findings", "limits", "type_rules", "notes", "precision"):
        given = facts.get(key, ())
        for each in [given] if isinstance(given, str) else given:
            found = each if isinstance(each, str) else next((each[k] for k in _WORDS if k in each), None)
            if isinstance(found, str):
                yield found


_WORDS = ("rule", "fact", "finding", "limit", "what")
