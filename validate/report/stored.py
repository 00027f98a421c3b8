"""A document as JSON, version 2 of docs/report.schema.json, and back without loss.

What is not finite is "inf", "-inf" or "nan" in the file, as in the envelope of :mod:`.render.json`. Importing this
module costs nothing.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from ..errors import ParityGateError
from .document import Document, Entry

VERSION = 2
"""Of the form. Keys are only added, so a file of this version may have more of them than a reader knows."""

_LARGEST = 1 << 30
_REMEDY = "Make one with --report json=FILE."
_NOT_FINITE = ("inf", "-inf", "nan")
_FLOATING = re.compile(r"(b?float|complex|double).*")


def read_document(path: Path) -> Document:
    """The document in a file that ``--report json=FILE`` has written.

    Raises ParityGateError PG202 if it can't be read, PG230 for what isn't such a file or is damaged, PG231 for one
    that a newer paritygate has written.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise ParityGateError("PG230", str(path), "it is too large for a report", _REMEDY)
        return document_of(json.loads(path.read_text("utf-8")), str(path))
    except OSError as error:
        raise ParityGateError("PG202", str(path), f"it can't be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ParityGateError("PG230", str(path), f"it isn't JSON: {error}", _REMEDY) from error


def document_of(content: Any, name: str) -> Document:
    """What a file called ``name`` holds, from its parsed JSON. Raises ParityGateError PG230 and PG231."""
    import msgspec

    _check_version(content, name)
    try:
        document = msgspec.convert(_with_numbers(content), Document, strict=False)
    except (msgspec.ValidationError, RecursionError) as error:
        raise ParityGateError("PG230", name, f"it is damaged: {error}", _REMEDY) from error
    for entry, said in zip(document.entries, content["entries"], strict=True):
        _check(entry, said, name)
    return document


def _check_version(content: Any, name: str) -> None:
    version = content.get("schema_version") if isinstance(content, dict) else None
    if version == VERSION and isinstance(content.get("entries"), list):
        return
    if isinstance(version, int) and version > VERSION:
        newer = f"a newer paritygate has written it: its form is {version}, this one reads {VERSION}"
        raise ParityGateError("PG231", name, newer, "Read it with that release, or make it again with this one.")
    kind = "it was printed by --json, which leaves parts out" if version == 1 else "it isn't a report of paritygate's"
    raise ParityGateError("PG230", name, kind, _REMEDY)


def _check(entry: Entry, said: Any, name: str) -> None:
    """A file that says something else than it holds was changed by hand or by accident: neither is a proof."""
    what = f"{entry.model} ({entry.target})"
    if (entry.report is None) == (entry.error is None):
        raise ParityGateError("PG230", name, f"it is damaged: {what} has not just one of report and error", _REMEDY)
    if entry.error is not None and not re.fullmatch(r"PG[1-5]\d\d", entry.error.code):
        raise ParityGateError("PG230", name, f"it is damaged: {what} has an unknown code", _REMEDY)
    if said.get("status") != entry.status:
        cause = f"it is damaged: {what} is called {said.get('status')}, and what was found makes it {entry.status}"
        raise ParityGateError("PG230", name, cause, _REMEDY)


def _with_numbers(content: Any) -> Any:
    """The worst elements with numbers where the dtype says that "nan" is one: everywhere else the types tell."""
    for entry in content["entries"]:
        report = entry.get("report") if isinstance(entry, dict) else None
        for output in (report.get("outputs") or ()) if isinstance(report, dict) else ():
            if isinstance(output, dict) and isinstance(output.get("worst"), dict):
                output["worst"] = _worst_with_numbers(output)
    return content


def _worst_with_numbers(output: dict[str, Any]) -> dict[str, Any]:
    worst: dict[str, Any] = output["worst"]
    dtype = output.get("dtype")
    sides = {"expected": dtype, "actual": output.get("candidate_dtype") or dtype}
    return worst | {side: _number(worst[side]) for side, kind in sides.items() if side in worst and _is_floating(kind)}


def _number(value: Any) -> Any:
    return float(value) if value in _NOT_FINITE else value


def _is_floating(dtype: Any) -> bool:
    """Whether a dtype's values may be NaN or infinite."""
    return isinstance(dtype, str) and _FLOATING.fullmatch(dtype) is not None
