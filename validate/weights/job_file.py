"""The reference's weights in the job folder: names and arrays, uncompressed, one array in memory at a time."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..signature import Array

_NAMES = "names.json"


def save_weights(weights: Mapping[str, Array], path: Path) -> None:
    """Write them."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as file:
        file.writestr(_NAMES, json.dumps(list(weights)))
        for number, array in enumerate(weights.values()):
            with file.open(f"{number}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asarray(array), allow_pickle=False)


def load_weights(path: Path) -> dict[str, Array]:
    """Read them."""
    with zipfile.ZipFile(path) as file:
        names = json.loads(file.read(_NAMES))
        found = {}
        for number, name in enumerate(names):
            with file.open(f"{number}.npy") as entry:
                found[name] = np.lib.format.read_array(entry, allow_pickle=False)
    return found
