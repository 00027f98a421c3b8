"""ONNX Runtime without its telemetry, which some of its builds (Microsoft's for Windows) send by default."""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def silent_onnxruntime() -> Any:
    """The module ``onnxruntime``, its telemetry switched off before the first session."""
    import onnxruntime

    if hasattr(onnxruntime, "disable_telemetry_events"):
        onnxruntime.disable_telemetry_events()
    return onnxruntime
