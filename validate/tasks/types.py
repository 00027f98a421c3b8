"""What tasks take and give: frozen values that travel between processes. Light, since the parent imports them first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..engines.base import Facts, Profile, Runtime
from ..noise.request import Rounding
from ..report.coverage import Coverage
from ..report.types import SamplesSummary
from ..signature import ClassLabel, ImageInput, Signature
from ..trees.types import TreesProof
from ..weights.types import WeightsProof


@dataclass(frozen=True, slots=True)
class Bindings:
    """Which input and output of a candidate is which of the reference's.

    ``inputs`` and ``outputs`` map candidate names to reference names where the two differ; equal names are bound.
    ``classes`` tells which class each column of the reference's scores stands for, by the candidate's dictionary that
    holds them under those names. ``images`` are the candidate's inputs that take pixels.
    """

    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    classes: Mapping[str, tuple[ClassLabel, ...]] = field(default_factory=dict)
    images: Mapping[str, ImageInput] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OutputStatistics:
    """What ``run`` says of an output over all samples.

    ``least``, ``mean`` and ``greatest`` are of the finite values, None for text and where there are none; ``nan`` and
    ``infinite`` count the others.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    least: float | None = None
    mean: float | None = None
    greatest: float | None = None
    nan: int = 0
    infinite: int = 0


@dataclass(frozen=True, slots=True)
class ModelRun:
    """One model's run over all samples: what the model is, what ran it, and sentences that the user should read.

    ``rounding`` is None unless it was requested, and where the model has no graph. ``doubts`` are sentences that speak
    against a pass. ``fixed_outputs`` depend on no input; None where the model has no graph. ``trees`` is the proof of a
    candidate's trees; None where the reference has none. ``weights`` says what it holds of its reference's parameters;
    None where a side has none to read. ``coverage`` is what the samples exercised inside of a candidate's graph; None
    unless its rounding was requested. ``blind`` says that its runs are costly, and that no comparison tells how near an
    input comes to a branch that was missed. ``path_types`` are the coarsest types on the way to its float64 outputs
    (see :mod:`.noise.path_types`), where the graph is known. ``bindings`` are a candidate's, completed;
    None for a reference. ``statistics`` are of the outputs that ``run`` has written.
    """

    signature: Signature
    facts: Facts
    samples: SamplesSummary
    runtime: Runtime
    notes: tuple[str, ...] = ()
    rounding: Rounding | None = None
    doubts: tuple[str, ...] = ()
    fixed_outputs: frozenset[str] | None = None
    weights: WeightsProof | None = None
    trees: TreesProof | None = None
    coverage: Coverage | None = None
    blind: bool = False
    path_types: Mapping[str, str] = field(default_factory=dict)
    bindings: Bindings | None = None
    statistics: tuple[OutputStatistics, ...] = ()


@dataclass(frozen=True, slots=True)
class Inspection:
    """A model's facts, signature and profile; ``sha256`` is of its file or of all files of its folder."""

    facts: Facts
    signature: Signature
    profile: Profile = field(default_factory=Profile)
    sha256: str | None = None
