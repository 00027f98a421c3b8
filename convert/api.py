"""The library's door: ``from paritygate.convert import convert``. Imports nothing heavy until it is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..validate.events import Listener, ignore

if TYPE_CHECKING:
    from ..validate.signature import Array, TensorSpec
    from .pipeline import Conversion


def convert(
    source: Any,
    output: str | Path,
    *,
    to: str | None = None,
    opset: int | None = None,
    dtype: str = "float32",
    samples: str | Path | None = None,
    seed: int = 0,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    batch_sizes: tuple[int, ...] | None = None,
    rtol: float | None = None,
    atol: float | None = None,
    tolerances: Mapping[str, tuple[float, float]] | None = None,
    signature: str | None = None,
    weights: str | Path | None = None,
    inputs: Sequence[TensorSpec | str] = (),
    example: Mapping[str, Array] | None = None,
    dynamic: Sequence[tuple[str, int]] = (),
    trust: bool = False,
    timeout: float | None = None,
    memory_limit: int | None = None,
    keep: str | Path | None = None,
    on_event: Listener = ignore,
) -> Conversion:
    """Convert ``source`` to the file ``output``, which is written only if parity holds.

    ``to`` is the target format (default: by ``output``'s suffix), ``opset`` the ONNX opset (default: the newest that
    ONNX Runtime supports officially), ``dtype`` the width of inputs where the source leaves it open, ``dynamic``
    pairs of input name and axis. All else is as for :func:`paritygate.validate.validate`.

    Raises ParityGateError for everything but a verdict; ``.report.passed`` is the verdict, ``.path`` the file written
    or None.
    """
    from ..validate.api import as_path, as_specs, make_settings
    from ..validate.engines.base import LoadOptions
    from .pipeline import Job, run_job
    from .routes.base import ConvertOptions

    load = LoadOptions(
        signature=signature,
        weights=as_path(weights),
        trust=trust,
        inputs=as_specs(inputs),
        example=example,
        dynamic=tuple(dynamic),
        dtype=dtype,
    )
    settings = make_settings(
        samples, seed, ranges, batch_sizes, rtol, atol, tolerances, timeout, memory_limit, keep, on_event
    )
    return run_job(Job(source, Path(output), to, load, ConvertOptions(opset)), settings)
