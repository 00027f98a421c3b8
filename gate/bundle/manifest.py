"""SHA256SUMS: a line for every file, which ``sha256sum -c`` checks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from ...validate.errors import ParityGateError
from ...validate.report.environment import sha256_of
from .archive import names_in
from .layout import SIGNATURES, SUMS

_LINE = re.compile(r"([0-9a-f]{64})  (.+)")
_REMEDY = "Fetch the bundle again; if that doesn't help, ask its sender."


def write_sums(folder: Path) -> None:
    """Write the manifest of a folder."""
    lines = [f"{digest}  {name}\n" for name, digest in digests(folder).items()]
    (folder / SUMS).write_bytes("".join(lines).encode())


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file below a folder but those that are about the manifest."""
    return {name: sha256_of(folder / name) for name in names_in(folder) if _is_listed(name)}


def check_sums(folder: Path) -> Mapping[str, str]:
    """The manifest, every file of which is there and has its hash, and beside which there is none.

    Raises ParityGateError PG440.
    """
    listed, found = _read(folder / SUMS), digests(folder)
    for name in sorted(listed.keys() | found.keys()):
        if name not in found:
            raise ParityGateError("PG440", name, f"{SUMS} lists it, and the bundle does not have it", _REMEDY)
        if name not in listed:
            raise ParityGateError("PG440", name, f"{SUMS} does not list it: it was added later", _REMEDY)
        if listed[name] != found[name]:
            cause = f"its SHA-256 is {found[name]}, {SUMS} says {listed[name]}: it was changed"
            raise ParityGateError("PG440", name, cause, _REMEDY)
    return listed


def _is_listed(name: str) -> bool:
    return name != SUMS and not name.startswith(f"{SIGNATURES}/")


def _read(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ParityGateError("PG440", SUMS, "the manifest is missing: no bundle of paritygate", _REMEDY) from error
    matches = [_LINE.fullmatch(line) for line in lines]
    found = {match[2]: match[1] for match in matches if match}
    if len(found) != len(lines):
        raise ParityGateError("PG440", SUMS, "a line of it has no hash and name, or names a file twice", _REMEDY)
    return found
