"""The names in a bundle, and what the receiver needs to repeat the proof, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from ...validate.errors import ParityGateError
from ...validate.report.types import Environment, Tolerance
from ...validate.signature import Signature
from ...validate.tasks.types import Bindings

SUMS, FACTS, REPORT = "SHA256SUMS", "parity.json", "report.json"
MODEL, DATA, ALLOWED, SIGNATURES = "model", "data", "tolerances", "signatures"
"""Folders: the artifact, ONNX's test data, how far each element may be off, and what is signed."""

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class SampleFacts:
    """One sample; ``inputs`` and ``outputs`` name, for the reference, ``input_0.pb``, ``output_0.pb`` and so on."""

    label: str
    kind: str
    batch: int | None
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What repeats the proof without the source.

    ``artifact`` is the model's name below ``model/``, ``files`` the SHA-256 of each file there. ``fixed`` are lengths
    of dynamic axes that the user fixed. ``tolerances`` are those of the report, by output. ``redacted`` says that
    samples, expected outputs and allowances were left out.
    """

    artifact: str
    format: str
    files: Mapping[str, str]
    reference: Signature
    reference_name: str
    reference_format: str
    bindings: Bindings
    fixed: Mapping[str, int]
    tolerances: Mapping[str, Tolerance]
    samples: tuple[SampleFacts, ...]
    origin: str
    seed: int | None
    environment: Environment
    redacted: bool = False
    schema: int = field(default=SCHEMA)


def encode(facts: Facts) -> bytes:
    """As JSON with sorted keys."""
    return msgspec.json.format(msgspec.json.encode(facts, order="deterministic"), indent=1) + b"\n"


def decode(path: Path) -> Facts:
    """Read what :func:`encode` gave. Raises ParityGateError PG440."""
    try:
        facts = msgspec.json.decode(path.read_bytes(), type=Facts)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ParityGateError("PG440", FACTS, f"it can't be read: {error}") from error
    if facts.schema != SCHEMA:
        raise ParityGateError("PG440", FACTS, f"its schema is {facts.schema}, and this version reads {SCHEMA}")
    return facts
