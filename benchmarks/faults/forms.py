"""The two kinds of files that faults are put into, behind one border: read, write, shake, mutate."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnx

from . import coreml, floor
from .graphs import Mutation
from .mutations import MUTATIONS


class Form(Protocol):
    """What the bench must know of a file format; models are the format's own messages."""

    mutations: Mapping[str, Any]

    def read(self, path: Path) -> Any:
        """The model at a path."""

    def write(self, model: Any, path: Path) -> None:
        """Put a model where the gate will find it, in place of what was there."""

    def shaken(self, model: Any, rng: np.random.Generator) -> Any:
        """A copy with each weight off by up to one unit of its last place."""


class Onnx:
    """ONNX files, weights inside."""

    mutations: Mapping[str, Mutation] = MUTATIONS

    def read(self, path: Path) -> onnx.ModelProto:
        """The model at a path."""
        return onnx.load(str(path))

    def write(self, model: onnx.ModelProto, path: Path) -> None:
        """Write the file."""
        path.write_bytes(model.SerializeToString())

    def shaken(self, model: onnx.ModelProto, rng: np.random.Generator) -> onnx.ModelProto:
        """See :func:`.floor.shaken`."""
        return floor.shaken(model, rng)


class CoreML:
    """Core ML files and packages."""

    mutations: Mapping[str, Any] = coreml.MUTATIONS

    def read(self, path: Path) -> coreml.Opened:
        """The model at a path."""
        return coreml.opened(path)

    def write(self, model: coreml.Opened, path: Path) -> None:
        """Write the file, or the package with its weight file."""
        coreml.write(model, path)

    def shaken(self, model: coreml.Opened, rng: np.random.Generator) -> coreml.Opened:
        """See :func:`.coreml.shaken`."""
        return coreml.shaken(model, rng)


FORMS: dict[str, Form] = {"onnx": Onnx(), "mlmodel": CoreML(), "mlpackage": CoreML()}
"""A file's suffix -> its form."""
