"""The formats that faults are injected into, behind one interface: read, write, perturb, mutate."""

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
    """The operations on one file format; models are the format's own messages."""

    mutations: Mapping[str, Any]

    def read(self, path: Path) -> Any:
        """The model at a path."""

    def write(self, model: Any, path: Path) -> None:
        """Write a model, replacing an earlier one."""

    def perturbed(self, model: Any, rng: np.random.Generator) -> Any:
        """A copy with each weight off by up to one unit in its last place."""


class Onnx:
    """ONNX files without external data."""

    mutations: Mapping[str, Mutation] = MUTATIONS

    def read(self, path: Path) -> onnx.ModelProto:
        """The model at a path."""
        return onnx.load(str(path))

    def write(self, model: onnx.ModelProto, path: Path) -> None:
        """Write the file."""
        path.write_bytes(model.SerializeToString())

    def perturbed(self, model: onnx.ModelProto, rng: np.random.Generator) -> onnx.ModelProto:
        """See :func:`.floor.perturbed`."""
        return floor.perturbed(model, rng)


class CoreML:
    """Core ML files and packages."""

    mutations: Mapping[str, Any] = coreml.MUTATIONS

    def read(self, path: Path) -> coreml.Opened:
        """The model at a path."""
        return coreml.opened(path)

    def write(self, model: coreml.Opened, path: Path) -> None:
        """Write the file, or the package with its weight file."""
        coreml.write(model, path)

    def perturbed(self, model: coreml.Opened, rng: np.random.Generator) -> coreml.Opened:
        """See :func:`.coreml.perturbed`."""
        return coreml.perturbed(model, rng)


FORMS: dict[str, Form] = {"onnx": Onnx(), "mlmodel": CoreML(), "mlpackage": CoreML()}
"""A file's suffix -> its form."""
