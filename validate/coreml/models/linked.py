"""A model that stands in another file, beside this one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..files.package import open_package
from ..files.paths import inside
from ..graph import Graph, Slot
from ..refuse import damaged, unsupported
from .base import Source
from .pipeline import MOST_NESTED


def linked_model(g: Graph, source: Source, slots: Mapping[str, Slot]) -> dict[str, Slot]:
    """The other model. Raises PG404 for compiled files and other places, PG502 for a way out of the folder."""
    from ..lower import MAIN, lower_model  # which itself imports the table that this model type stands in

    link = source.body.linkedModelFile
    name, folder = link.linkedModelFileName.defaultValue, link.linkedModelSearchPath.defaultValue or "."
    if source.depth >= MOST_NESTED:
        raise damaged(f"linked model '{name}'", f"more than {MOST_NESTED} models lie inside each other")
    if not name.endswith((".mlmodel", ".mlpackage")):
        raise unsupported(f"linked model '{name}'", "only .mlmodel and .mlpackage can be read, not compiled models")
    if ":" in folder or folder.startswith(("$", "/")):
        raise unsupported(f"linked model '{name}'", f"'{folder}' is not one folder beside this model")
    package = open_package(inside(source.blobs.folder, f"{folder}/{name}"))
    description = package.spec.description
    other = replace(
        source, spec=package.spec, description=description, blobs=package.blobs,
        function=description.defaultFunctionName or MAIN, depth=source.depth + 1,
    )  # fmt: skip
    return lower_model(g, other, slots)
