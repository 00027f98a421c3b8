"""How to open a model: what it is, where it is, and what the user says about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from ..options import LoadOptions
from .registry import BOTH, Format, RuntimeEntry


@dataclass(frozen=True, slots=True)
class ModelHandle:
    """A model that isn't open yet. ``source`` is a Path, a ``module:factory`` name or a live object.

    ``second`` is another runtime whose outputs are compared with those of ``runtime``. ``rounds_half``
    says that each float16 result of an ONNX model is rounded (:mod:`..tasks.half`).
    """

    source: Any
    format: Format
    runtime: RuntimeEntry
    second: RuntimeEntry | None = None
    load: LoadOptions = field(default_factory=LoadOptions)
    rounds_half: bool = False

    @classmethod
    def of(cls, source: Any, format: Format, engine: str | None = None, load: LoadOptions | None = None) -> Self:
        """A model of a known format, run by the runtime that ``engine`` names if the format has it."""
        return cls(source, format, *_runtimes(format, engine), load or LoadOptions())

    @property
    def live(self) -> bool:
        """Whether it is an object of this process, which can't travel to another one."""
        return not isinstance(self.source, str | Path)

    @property
    def name(self) -> str:
        """A path or factory as it was given; a live object by its class."""
        return type(self.source).__name__ if self.live else str(self.source)

    @property
    def short_name(self) -> str:
        """The same, a path without its folder."""
        return self.source.name if isinstance(self.source, Path) else self.name

    @property
    def file(self) -> Path | None:
        """The path, if it is one."""
        return self.source if isinstance(self.source, Path) else None


def _runtimes(format: Format, engine: str | None) -> tuple[RuntimeEntry, RuntimeEntry | None]:
    """The runtime, and a second one to compare it with."""
    if engine == BOTH and len(format.runtimes) > 1:
        return format.runtimes[0], format.runtimes[1]
    named = [runtime for runtime in format.runtimes if runtime.name == engine]
    return (named[0] if named else format.runtime), None
