"""Where the numbers of two models part, as plain frozen values. Importing this module costs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GraphNode:
    """One operator of the candidate's graph; ``inputs`` and ``outputs`` are ``name dtype[shape]``."""

    name: str
    operator: str
    attributes: Mapping[str, str]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LayerError:
    """The greatest error of one tensor of the candidate, and what rounding explains at that element.

    ``layer`` is the reference's that gives the same, ``largest`` the reference's greatest magnitude there.
    """

    tensor: str
    layer: str
    error: float
    allowed: float
    agrees: bool
    largest: float


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first place where the candidate's error is beyond what rounding explains.

    ``tensor`` is the candidate's, ``layer`` (of type ``kind``) the reference's that gives the same; ``matched_by`` says
    how they were found to belong together. ``layers`` are all of the reference's between the values that still agree
    (``agreeing``, tensors of the candidate) and this one, it included, in the order in which they ran. ``nodes`` are
    the candidate's operators between the same two.

    ``error`` is the worst element's of sample number ``sample``, at ``index``, ``allowed`` what rounding explains there
    (both absolute). ``row`` is the row of that sample's batch that was run alone; None where all of it was run.
    ``error_alone`` is what remains when these operators are given the reference's own values: ``starts_here`` says
    that it is still beyond what is allowed, otherwise the error came in. ``repro`` is the folder with the smallest part
    of the graph that still fails, ``command`` runs it; both are "" where none was written. ``trail`` are
    the compared tensors in graph order, at most a few hundred.
    """

    tensor: str
    layer: str
    kind: str
    matched_by: str
    layers: tuple[str, ...]
    agreeing: tuple[str, ...]
    nodes: tuple[GraphNode, ...]
    sample: int
    index: tuple[int, ...]
    expected: float
    actual: float
    error: float
    allowed: float
    error_alone: float
    starts_here: bool
    row: int | None = None
    repro: str = ""
    command: str = ""
    trail: tuple[LayerError, ...] = ()
