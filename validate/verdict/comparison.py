"""All that a verdict is made of: two models' runs over the same samples, as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from ..signature import Signature
from .noise_floor import Deviations

if TYPE_CHECKING:
    from ..samples import Sample
    from ..signature import Array


Outputs: TypeAlias = "Sequence[Mapping[str, Array]]"
"""One mapping (output -> array) per sample."""


@dataclass(frozen=True, slots=True)
class ReferenceOutputs:
    """The reference's outputs.

    ``repeated`` are those of the first few samples, computed again. ``paired`` are those of samples of one row,
    computed in a batch with a copy of the row; empty where that could not be done. ``other`` are those of a second
    runtime.
    """

    expected: Outputs
    repeated: Outputs = ()
    paired: Outputs = ()
    other: Outputs | None = None


@dataclass(frozen=True, slots=True)
class CandidateOutputs:
    """The candidate's outputs.

    ``repeated`` are those of the first few samples, computed again. ``unoptimised`` were computed without graph
    optimisation, ``second_opinion`` by onnx.reference, ``other`` by a second runtime of the format; None where that
    wasn't done.
    """

    actual: Outputs
    unoptimised: Outputs | None = None
    second_opinion: Outputs | None = None
    other: Outputs | None = None
    repeated: Outputs = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models, the samples that both were run on, and what they gave.

    ``outputs`` and ``inputs`` bind candidate names to reference names. ``precision`` is the coarsest dtype that the
    candidate computes in, "" where that is no coarser than what it gives. ``single_rows`` says that it takes one sample
    at a time and holds other widths than its source. ``converted`` says that the candidate was made from the reference,
    so that a narrower interface is a fault; ``fixed`` are the lengths of the reference's dynamic axes that the user
    requested for the candidate. ``models`` are both models' names. ``random`` are the candidate's operators that draw
    random numbers, ``fixed_outputs`` the reference's outputs that no input changes, by both graphs so far as known.
    ``path_types`` are the coarsest types on the way to the reference's float64 outputs, in both graphs.
    """

    reference: Signature
    candidate: Signature
    samples: Sequence[Sample]
    of_reference: ReferenceOutputs
    of_candidate: CandidateOutputs
    outputs: Mapping[str, str]
    inputs: Mapping[str, str] = field(default_factory=dict)
    deviations: Deviations | None = None
    precision: str = ""
    single_rows: bool = False
    converted: bool = False
    fixed: Mapping[str, int] = field(default_factory=dict)
    models: tuple[str, str] = ("", "")
    random: tuple[str, ...] = ()
    fixed_outputs: frozenset[str] = frozenset()
    path_types: Mapping[str, str] = field(default_factory=dict)
