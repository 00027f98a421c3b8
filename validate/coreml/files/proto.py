"""coremltools' generated protobuf modules, without coremltools itself.

Importing coremltools takes 10 to 23 seconds, because it imports TensorFlow, PyTorch and scikit-learn when they are
installed. Its ``proto`` folder needs none of them and loads in 0.1 s under a private name; the two copies share one
descriptor pool, so a real import of coremltools in the same process still works.
"""

from __future__ import annotations

import importlib
import sys
from functools import cache
from importlib.machinery import PathFinder
from types import ModuleType
from typing import Any

from ...errors import ParityGateError
from ..errors import damaged

Message = Any
"""A protobuf message; the generated modules carry no types."""

_PRIVATE = "_paritygate_coreml_proto"


@cache
def module(name: str) -> ModuleType:
    """One generated module, such as ``Model_pb2``. Raises PG403 when coremltools isn't installed."""
    if _PRIVATE not in sys.modules:
        package = ModuleType(_PRIVATE)
        package.__path__ = [f"{_coremltools_folder()}/proto"]
        sys.modules[_PRIVATE] = package
    return importlib.import_module(f"{_PRIVATE}.{name}")


def _coremltools_folder() -> str:
    # PathFinder looks at the disk only: a worker may have masked coremltools in sys.modules.
    spec = PathFinder.find_spec("coremltools")
    if spec is None or not spec.submodule_search_locations:
        raise ParityGateError(
            "PG403",
            "Core ML",
            "reading the model needs coremltools, which is not installed",
            "pip install paritygate[coreml]",
        )
    return spec.submodule_search_locations[0]


def parse_model(data: bytes, subject: str) -> Message:
    """The ``Model`` message in ``data``. Raises PG402 naming ``subject`` when the bytes are not a Core ML model."""
    model_pb2 = module("Model_pb2")
    from google.protobuf.message import DecodeError

    try:
        model = model_pb2.Model.FromString(data)
    except (DecodeError, RecursionError) as e:
        raise damaged(subject, f"this is not a Core ML model: {e}") from e
    if model.WhichOneof("Type") is None:
        raise damaged(subject, "this is not a Core ML model: no model type is set")
    return model
