"""The opset of an ONNX model: which ones can be written, and how a model gets there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ....validate.errors import ParityGateError

if TYPE_CHECKING:
    import onnx

OLDEST = 7
"""The oldest opset that is written: ONNX Runtime promises nothing for older ones (its docs/Versioning.md)."""

_OLDEST_IR = 4
"""Up to IR version 3 every weight had to be an input of the graph."""


def opset_of(model: onnx.ModelProto) -> int:
    """The version of the ai.onnx domain that the model imports."""
    from .opsets.schemas import opset_of

    return opset_of(model)


def check_opset(opset: int | None) -> None:
    """Raises PG201 for an opset that no model can be written in on this machine."""
    from ....validate.engines.onnxruntime import newest_opset

    if opset is not None and not OLDEST <= opset <= newest_opset():
        cause = f"opsets {OLDEST} to {newest_opset()} can be written and run on this machine"
        raise ParityGateError("PG201", f"--opset {opset}", cause, "Choose one of these.")


def at_opset(model: onnx.ModelProto, opset: int, folder: Path | None = None) -> onnx.ModelProto:
    """``model`` at another opset, up or down, changed in place and returned.

    ``folder`` is where its external data is. Raises PG408 with the operator that the opset can't express, its node and
    the opsets that are possible.
    """
    from ....validate.engines.onnxruntime import newest_opset
    from .opsets.move import move

    if opset_of(model) != opset:
        move(model, opset, OLDEST, newest_opset(), folder)
        model.ir_version = max(smallest_ir(model), _OLDEST_IR)
    return model


def smallest_ir(model: onnx.ModelProto) -> int:
    """The oldest IR version that allows the model's opsets, for compatibility with most runtimes."""
    import onnx

    return int(onnx.helper.find_min_ir_version_for(model.opset_import, ignore_unknown=True))
