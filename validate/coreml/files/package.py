"""Open a ``.mlmodel`` file or a ``.mlpackage`` folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import ParityGateError
from ...paths import inside, regular_file
from ..errors import damaged
from .proto import Message, parse_model
from .weights import Blobs

MANIFEST = "Manifest.json"


@dataclass(frozen=True, slots=True)
class Package:
    """An opened model: its specification, and the weight files that it refers to."""

    path: Path
    spec: Message
    blobs: Blobs


def open_package(path: Path) -> Package:
    """Read the specification at ``path``; weights stay on disk until they are needed.

    Raises PG202 when ``path`` doesn't exist, PG402 when it is damaged, PG502 when it refers to files outside.
    """
    if not path.exists():
        raise ParityGateError("PG202", str(path), "there is no such file or folder")
    file = _root_model(path) if path.is_dir() else path
    if not file.is_file():  # reading a FIFO would never end
        raise damaged(str(path), f"the model specification {file.name} is missing or not a regular file")
    try:
        data = file.read_bytes()
    except OSError as e:
        raise damaged(str(path), f"the model specification {file.name} can't be read: {e.strerror}") from e
    if data.startswith(b"PK\x03\x04"):
        raise ParityGateError("PG402", str(path), "this is a zip archive", "Unpack it and pass the .mlpackage folder.")
    return Package(path, parse_model(data, str(path)), Blobs(file.parent))


def _root_model(package: Path) -> Path:
    manifest = _manifest(package)
    try:
        item = manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]
        relative = item["path"]
    except (KeyError, TypeError, IndexError) as e:
        raise damaged(str(package), f"{MANIFEST} names no root model") from e
    if not isinstance(relative, str):
        raise damaged(str(package), f"{MANIFEST} names no root model")
    inside(package, "Data")  # which may itself be a link
    return inside(package, f"Data/{inside(package / 'Data', relative).relative_to(package / 'Data')}")


def _manifest(package: Path) -> dict[str, Any]:
    try:
        manifest = json.loads(regular_file(package, MANIFEST).read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as e:
        raise damaged(str(package), f"{MANIFEST} can't be read: {e}") from e
    if not isinstance(manifest, dict):
        raise damaged(str(package), f"{MANIFEST} is not a JSON object")
    return manifest
