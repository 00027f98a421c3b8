"""Scan."""

from __future__ import annotations

from ..refusal import InexpressibleError
from ..rewrite import Rewrite
from ..rules import up


@up(9, "Scan")
def scan_of_batches(w: Rewrite) -> None:
    """Scan 8 went over a batch of sequences, each with a length of its own."""
    raise InexpressibleError("Scan of opset 8, over a batch of sequences, was withdrawn")
