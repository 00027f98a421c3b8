"""A document as plain text and as JSON. Whatever shows a gate's document calls these two."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from ..validate.report.document import Document, Entry, Status
from ..validate.report.render.json import plain
from ..validate.report.types import Severity
from ..validate.text import printable_lines


def summary(document: Document) -> str:
    """A line per entry, the reasons of those that didn't pass, and a count."""
    lines = [_row(entry) for entry in document.entries]
    return "\n".join((*lines, counted(document.entries)))


def counted(entries: tuple[Entry, ...]) -> str:
    """``3 models: 2 pass, 1 fail``, with the cached ones."""
    counts = Counter(entry.status for entry in entries)
    parts = [f"{counts[status]} {status.value}" for status in Status if counts[status]]
    cached = sum(entry.cached for entry in entries)
    more = f" ({cached} from the cache)" if cached else ""
    return f"{len(entries)} {'entry' if len(entries) == 1 else 'entries'}: {', '.join(parts) or 'nothing to do'}{more}"


def _row(entry: Entry) -> str:
    said = f"{entry.status.value:<12} {entry.model} -> {entry.written or entry.target}  {entry.seconds:.1f} s"
    notes = [*(["cached"] if entry.cached else ()), *([entry.change.value] if entry.change else ())]
    return printable_lines("  ".join([said, *notes, *(f"\n             {line}" for line in reasons(entry))]))


def reasons(entry: Entry) -> Iterator[str]:
    """Why an entry isn't a pass, one sentence each."""
    if entry.error is not None:
        yield f"[{entry.error.code}] {entry.error.subject}: {entry.error.cause}"
    if entry.report is not None and not entry.report.passed:
        for output in entry.report.outputs:
            if not output.passed:
                yield f"[{output.code}] {output.name or output.candidate_name}: {output.reason}"
        for found in entry.report.findings:
            if found.severity is Severity.ERROR:
                yield f"[{found.code}] {found.where}: {found.message}"


def as_json(document: Document) -> str:
    """The document as JSON, strict: what is not finite is a text."""
    entries = [{"status": entry.status.value, **plain(entry)} for entry in document.entries]
    content: dict[str, Any] = {**plain(document), "entries": entries}
    return json.dumps(content, allow_nan=False, ensure_ascii=False, indent=2)
