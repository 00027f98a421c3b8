"""Change a bundle as an attacker would."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

Members = dict[str, bytes]


def members_of(path: Path) -> Members:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(members: Members, path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def with_new_sums(members: Members) -> Members:
    """The manifest made again, as whoever knows the format can."""
    listed = sorted(name for name in members if name != "SHA256SUMS" and not name.startswith("signatures/"))
    lines = (f"{hashlib.sha256(members[name]).hexdigest()}  {name}\n" for name in listed)
    return members | {"SHA256SUMS": "".join(lines).encode()}


def edit_json(members: Members, name: str, change: Callable[[Any], None]) -> Members:
    document = json.loads(members[name])
    change(document)
    return members | {name: json.dumps(document).encode()}
