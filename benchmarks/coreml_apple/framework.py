"""What coremltools expects of ``coremltools.libcoremlpython``, its binding to Apple's framework, on paritygate's engine.

coremltools checks and converts a user's inputs itself and hands the rest to this module, so nothing of it is replaced
above the border that the real framework has.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.coreml import CoreMLModel, load
from paritygate.validate.errors import ParityGateError

if TYPE_CHECKING:
    from paritygate.validate.signature import Array

NEWEST_SPECIFICATION = 10
COMPILED_SUFFIX = ".mlmodelc"


class Calls:
    """Counts predictions since it was last asked."""

    def __init__(self) -> None:
        self._count = 0

    def add(self) -> None:
        self._count += 1

    def take(self) -> int:
        count, self._count = self._count, 0
        return count


CALLS = Calls()


class State:
    """A model's state tensors. ``read_state`` and ``write_state`` are what coremltools' ``MLState`` calls."""

    def __init__(self, tensors: dict[str, Array]) -> None:
        self.tensors = tensors

    def read_state(self, name: str) -> Array:
        return self._tensor(name).astype(np.float32)

    def write_state(self, name: str, value: Array) -> None:
        self._tensor(name)[...] = value

    def _tensor(self, name: str) -> Array:
        if name not in self.tensors:
            raise RuntimeError(f"the model has no state '{name}'")
        return self.tensors[name]


class ModelProxy:
    """A model that was loaded from a file, a package or what :meth:`compileModel` made of one.

    It is lowered at the first prediction: most tests that only convert would otherwise pay for it.
    """

    def __init__(
        self, path: str, compute_units: str, function_name: str, hints: Mapping[str, str], asset: object
    ) -> None:
        given = Path(path)
        self._compiled = given if given.suffix == COMPILED_SUFFIX else Path(self.compileModel(path))
        self._function = function_name or None

    @cached_property
    def _model(self) -> CoreMLModel:
        (source,) = self._compiled.iterdir()
        return load(source, LoadOptions(signature=self._function))

    def predict(self, inputs: dict[str, Any], state: State | None = None) -> dict[str, Any]:
        """Raises RuntimeError, as Apple's binding does."""
        CALLS.add()
        try:
            return self._model.session.predict(inputs, state and state.tensors)
        except ParityGateError as e:
            raise RuntimeError(str(e)) from e

    def batchPredict(self, batch: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:  # noqa: N802
        return [self.predict(inputs) for inputs in batch]

    def newState(self) -> State:  # noqa: N802
        try:
            return State(self._model.session.fresh_state())
        except ParityGateError as e:
            raise RuntimeError(str(e)) from e

    def get_compiled_model_path(self) -> str:
        return str(self._compiled)

    @staticmethod
    def compileModel(path: str) -> str:  # noqa: N802
        """A folder that holds a copy of the model: tests change and remove what they have loaded."""
        compiled = Path(tempfile.mkdtemp(suffix=COMPILED_SUFFIX))
        source = Path(path)
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, compiled / source.name)
        return str(compiled)

    @staticmethod
    def maximum_supported_specification_version() -> int:
        return NEWEST_SPECIFICATION


def binding() -> ModuleType:
    """The module that stands in for ``coremltools.libcoremlpython``. It knows no compute plans and no devices."""
    module = ModuleType("coremltools.libcoremlpython")
    module._MLModelProxy = ModelProxy  # type: ignore[attr-defined]  # a module made at run time
    return module
