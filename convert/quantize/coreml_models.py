"""ML Programs, through coremltools' quantiser of weights: arithmetic stays in float."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...validate.errors import ParityGateError
from ..options import Quantize
from ..routes.coreml.target import coremltools
from .calls import Layer, Quantiser

if TYPE_CHECKING:
    from ...validate.signature import Feed

_SMALLEST = 64
"""Weights of fewer elements aren't worth their scales."""

_BLOCK = 32

_SETTINGS: Mapping[Quantize, Mapping[str, Any]] = {
    Quantize.WEIGHTS: {"dtype": "int8", "granularity": "per_channel"},
    Quantize.WEIGHTS_INT4: {"dtype": "int4", "granularity": "per_block", "block_size": _BLOCK},
}


def prepare(quantiser: Quantiser) -> tuple[Layer, ...]:
    """List the program's weights, each with the operator that reads it."""
    model = _opened(quantiser)
    with _quiet():
        found = coremltools().optimize.coreml.get_weights_metadata(model, weight_threshold=_SMALLEST)
    return tuple(
        Layer(name, _reader(data), int(data.val.size)) for name, data in found.items() if _fits(data, quantiser.method)
    )


def write(quantiser: Quantiser, destination: Path, chosen: Collection[str], feeds: Sequence[Feed]) -> None:
    """Quantise the chosen weights and no others. Raises what coremltools raises."""
    module = coremltools().optimize.coreml
    how = module.OpLinearQuantizerConfig(
        mode="linear_symmetric", weight_threshold=_SMALLEST, **_SETTINGS[quantiser.method]
    )
    config = module.OptimizationConfig(global_config=None, op_name_configs=dict.fromkeys(chosen, how))
    with _quiet():
        made = module.linear_quantize_weights(_opened(quantiser), config)
        made.save(str(destination))
    done = sum(op.op_type.startswith("constexpr_") for op in made._mil_program.functions["main"].operations)
    if done < len(chosen):  # the report would name what wasn't done
        cause = f"coremltools quantises only {done} of {len(chosen)} weights: {', '.join(chosen)}"
        raise ParityGateError("PG415", quantiser.model.short_name, cause, "Try another --quantize.")


def _opened(quantiser: Quantiser) -> Any:
    with _quiet():
        return coremltools().models.MLModel(str(quantiser.model.source), skip_model_load=True)


def _fits(data: Any, method: Quantize) -> bool:
    """Blocks lie along the input channels; weights that don't divide into them are left out by coremltools."""
    shape = data.val.shape
    if data.val.dtype.kind != "f" or len(shape) < 2:
        return False
    channels = shape[-2] if _reader(data) == "matmul" else shape[1]
    return method is not Quantize.WEIGHTS_INT4 or channels % _BLOCK == 0


def _reader(data: Any) -> str:
    return str(data.child_ops[0].op_type) if data.child_ops else "const"


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """coremltools shows progress and warns of what isn't the user's."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
