"""What is measured of a candidate's rounding, and what came of it. Light: it travels between processes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measurements:
    """What is measured of a candidate in addition to its outputs: its noise, for at most ``seconds`` (None: no limit).

    ``noise`` is False where no policy asks for it; ``second_opinion`` runs the candidate in onnx.reference too.
    """

    seconds: float | None = None
    second_opinion: bool = False
    noise: bool = True


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What a candidate has in a coarser type than its reference, so that it was rounded before any arithmetic.

    ``reference`` is the coarsest floating dtype that the reference takes or gives: a candidate that computes in a finer
    one is no better than its reference.
    """

    inputs: bool = False
    constants: bool = False
    reference: str = "float64"


@dataclass(frozen=True, slots=True)
class Rounding:
    """How a candidate's noise was measured, see :class:`.noise.measure.Noise`. ``runs`` is 0 where it wasn't.

    ``missing`` says why the measurement failed, ``notes`` are other sentences for the user.
    """

    runs: int = 0
    unit: float = 0.0
    jumping: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    missing: str = ""
