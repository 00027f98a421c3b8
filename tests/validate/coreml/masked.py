"""coremltools without the frameworks that it imports if they are installed: 2 seconds instead of 12."""

from __future__ import annotations

import sys
from functools import cache
from types import ModuleType

FRAMEWORKS = ("tensorflow", "torch", "sklearn", "xgboost")


@cache
def coremltools() -> ModuleType:
    if "coremltools" in sys.modules:
        return sys.modules["coremltools"]
    import scipy.special  # noqa: F401  its array checks break when it first sees torch as None

    masks = [name for name in FRAMEWORKS if name not in sys.modules]
    sys.modules.update(dict.fromkeys(masks))
    try:
        import coremltools
    finally:
        for name in masks:
            del sys.modules[name]
    return coremltools
