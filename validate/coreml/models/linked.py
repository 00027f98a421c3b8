"""A model that is stored in another file next to this one."""

from __future__ import annotations

from collections.abc import Mapping

from ...paths import inside
from ..errors import unsupported
from ..files.package import open_package
from ..graph import Graph, Slot
from .base import ModelContext


def linked_model(g: Graph, context: ModelContext, slots: Mapping[str, Slot]) -> dict[str, Slot]:
    """The linked model. Raises PG404 for compiled models and unsupported search paths, PG502 outside of the folder."""
    link = context.body.linkedModelFile
    name, folder = link.linkedModelFileName.defaultValue, link.linkedModelSearchPath.defaultValue or "."
    if not name.endswith((".mlmodel", ".mlpackage")):
        raise unsupported(f"linked model '{name}'", "only .mlmodel and .mlpackage can be read, not compiled models")
    if ":" in folder or folder.startswith(("$", "/")):
        raise unsupported(f"linked model '{name}'", f"'{folder}' is not a folder next to this model")
    package = open_package(inside(context.blobs.folder, f"{folder}/{name}"))
    return context.lower(g, context.nested(package.spec, package.blobs), slots)
