"""Which runtime runs which model."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from typing import Any

from ..detect import detect, normalise
from ..errors import ParityGateError
from ..options import LoadOptions
from .handle import ModelHandle
from .registry import BOTH, RuntimeEntry, formats_of
from .scopes import check_loading


def handle_for(source: Any, load: LoadOptions, engine: str | None = None) -> ModelHandle:
    """How to open a model of the user's.

    Raises PG202 and PG401 as :func:`~.detect.detect` does, and PG201 for an option that such a model has no use for.
    """
    source = normalise(source)
    format = detect(source)
    check_loading(load, format)
    return ModelHandle.of(source, format, engine, load)


def check_engine(handles: Sequence[ModelHandle], engine: str | None) -> None:
    """Refuse an engine that runs none of the models, or that this system lacks. Raises PG201 and PG207."""
    if engine is None:
        return
    chosen = [runtime for handle in handles for runtime in _chosen(handle, engine)]
    if not chosen:
        kinds = " or ".join(format.title for format in formats_of(engine))
        raise ParityGateError("PG201", f"--engine {engine}", f"it runs {kinds} models, and none was given")
    for runtime in chosen:
        if runtime.system not in ("", platform.system()):
            raise ParityGateError(
                "PG207", f"--engine {engine}", f"{runtime.title} exists on {runtime.where} only", "Leave --engine out."
            )


def _chosen(handle: ModelHandle, engine: str) -> list[RuntimeEntry]:
    offered = handle.format.runtimes
    if len(offered) == 1:
        return []
    return [runtime for runtime in offered if engine in (BOTH, runtime.name)]
