"""What a check gives, as frozen values: a verdict for each target, and the reasons for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ..validate.errors import ExitCode
from .facts import Citation


class Effect(StrEnum):
    """What a reason means for the model on the target."""

    REFUSES = "refuses"
    SLOWS = "slows"
    OPEN = "open"
    INFORMS = "informs"


class Verdict(StrEnum):
    """Whether a model runs on a target."""

    RUNS = "runs"
    SLOWER = "runs slower"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule that the model meets or breaks.

    ``rule`` is the rule's short name, ``nodes`` are the operators that it speaks of (``name (type)``), ``source`` is
    where the fact is from, ``remedy`` says what to do about it. ``fix`` are options of ``paritygate convert`` that do
    it.
    """

    rule: str
    effect: Effect
    text: str
    nodes: tuple[str, ...] = ()
    source: Citation | None = None
    remedy: str = ""
    fix: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fallback:
    """How a graph is divided where an accelerator doesn't take all nodes.

    ``partitions`` counts the connected runs of nodes that the accelerator takes, one after the other.
    """

    accelerated: int
    total: int
    partitions: int


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether the model runs on one target. The verdict is derived from the reasons, never set."""

    target: str
    version: str
    evidence: str
    reasons: tuple[Reason, ...] = ()
    fallback: Fallback | None = None

    @property
    def verdict(self) -> Verdict:
        """REFUSED if anything is refused; UNKNOWN if something could be; SLOWER if something falls back."""
        effects = {reason.effect for reason in self.reasons}
        for effect, verdict in _VERDICTS.items():
            if effect in effects:
                return verdict
        return Verdict.RUNS

    @property
    def name(self) -> str:
        """The target as it is typed."""
        return f"{self.target}@{self.version}" if self.version else self.target


_VERDICTS = {Effect.REFUSES: Verdict.REFUSED, Effect.OPEN: Verdict.UNKNOWN, Effect.SLOWS: Verdict.SLOWER}


@dataclass(frozen=True, slots=True)
class Footprint:
    """How much a model needs, as far as its file tells.

    ``weights`` are bytes by dtype. ``activations`` is the peak of bytes of live tensors when nodes run one by one in
    the order of the file, weights not counted; None where lengths are unknown. ``macs`` are multiplications with a
    weight or another tensor in convolutions and matrix products, for one sample; None where lengths are unknown.
    """

    file: int
    weights: Mapping[str, int] = field(default_factory=dict)
    activations: int | None = None
    macs: int | None = None
    operators: int = 0

    @property
    def flash(self) -> int:
        """Bytes of all weights."""
        return sum(self.weights.values())


@dataclass(frozen=True, slots=True)
class Check:
    """A model against several targets."""

    model: str
    format: str
    sha256: str
    footprint: Footprint
    answers: tuple[Answer, ...]

    @property
    def exit_code(self) -> ExitCode:
        """1 if a target refuses the model or runs it slower, 3 if one is unknown, else 0."""
        verdicts = {answer.verdict for answer in self.answers}
        if verdicts & {Verdict.REFUSED, Verdict.SLOWER}:
            return ExitCode.PARITY_FAILED
        return ExitCode.INCONCLUSIVE if Verdict.UNKNOWN in verdicts else ExitCode.PASS
