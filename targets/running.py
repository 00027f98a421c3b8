"""A model file in other runtimes: not what is known of them, but what they do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..validate.events import Listener

if TYPE_CHECKING:
    from ..validate.report.report import Report


def run_in(model: Path, runtimes: Sequence[str], on_event: Listener) -> Report:
    """Run a file in other runtimes on generated samples; the outputs of this machine's runtime are the reference.

    Raises what :func:`paritygate.validate.validate` raises.
    """
    from ..validate import validate

    return validate(model, model, prove_in=tuple(runtimes), localise=False, on_event=on_event)
