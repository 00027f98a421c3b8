"""What coremltools expects of ``coremltools.libcoremlpython``, its binding to Apple's framework, on this engine.

coremltools checks and converts a user's inputs itself and hands the rest to this module, so nothing of it is replaced
above the border that the real framework has.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from paritygate.validate.coreml.files.package import open_package
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.coreml.lowered import CoreMLModel, load
from paritygate.validate.errors import ParityGateError

if TYPE_CHECKING:
    from paritygate.validate.signature import Array

NEWEST_SPECIFICATION = 10
COMPILED_SUFFIX = ".mlmodelc"
FLOAT16 = 10
"""MIL.proto's data type."""


class Predictions:
    """The predictions since it was last asked: their number, and whether a program of them computes in float16."""

    def __init__(self) -> None:
        self.count, self.float16 = 0, False

    def add(self, spec: Any) -> None:
        self.count += 1
        self.float16 = self.float16 or _computes_in_float16(spec)

    def take(self) -> tuple[int, bool]:
        seen = self.count, self.float16
        self.count, self.float16 = 0, False
        return seen


PREDICTIONS = Predictions()


def _computes_in_float16(spec: Any) -> bool:
    blocks = [b for f in spec.mlProgram.functions.values() for b in f.block_specializations.values()]
    outputs = (o for block in blocks for operation in block.operations for o in operation.outputs)
    return any(o.type.tensorType.dataType == FLOAT16 for o in outputs)


@contextmanager
def _worded_as_apple_does() -> Iterator[None]:
    """Tests of invalid input look for the framework's own words."""
    try:
        yield
    except ParityGateError as e:
        raise RuntimeError(f"Unable to compute the prediction using ML Program: {e}") from e


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

    @property
    def _source(self) -> Path:
        (source,) = self._compiled.iterdir()
        return source

    @cached_property
    def _spec(self) -> Any:
        return open_package(self._source).spec

    @cached_property
    def _model(self) -> CoreMLModel:
        return load(self._source, LoadOptions(signature=self._function))

    def predict(self, inputs: dict[str, Any], state: State | None = None) -> dict[str, Any]:
        """Raises RuntimeError, as Apple's binding does."""
        with _worded_as_apple_does():
            PREDICTIONS.add(self._spec)
            return self._model.session.predict(inputs, state and state.tensors)

    def batchPredict(self, batch: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        return [self.predict(inputs) for inputs in batch]

    def newState(self) -> State:
        with _worded_as_apple_does():
            return State(self._model.session.fresh_state())

    def get_compiled_model_path(self) -> str:
        return str(self._compiled)

    @staticmethod
    def compileModel(path: str) -> str:
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
