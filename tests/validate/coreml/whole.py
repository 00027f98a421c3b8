"""coremltools, with the frameworks that it finds.

They are imported although these tests need none of them: coremltools keeps what it found for as long as the process
lives, and tests of the same process convert models of these frameworks with it.
"""

from __future__ import annotations

from functools import cache
from types import ModuleType


@cache
def coremltools() -> ModuleType:
    import coremltools

    return coremltools
