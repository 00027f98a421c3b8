"""What a conversion gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ..validate.report.report import Report

if TYPE_CHECKING:
    from ..validate.tasks.types import Bindings
    from ..validate.verdict.comparison import Comparison
    from ..validate.verdict.policy import Policy


@dataclass(frozen=True, slots=True)
class Conversion:
    """The report, and the file that was written; ``path`` is None unless parity holds."""

    report: Report
    path: Path | None

    def raise_for_status(self) -> Self:
        """This conversion, if parity holds and the file is written. Raises ParityGateError with the first reason."""
        self.report.raise_for_status()
        return self

    def __str__(self) -> str:
        return f"{self.report}\n{f'written: {self.path}' if self.path else 'nothing written'}"

    def _repr_html_(self) -> str:
        return self.report._repr_html_()


@dataclass(frozen=True, slots=True)
class Unpublished:
    """The report, and the proved file in the job's folder; ``candidate`` is None unless parity holds.

    ``inputs`` are the source's files, which OUTPUT may share data with. ``compared`` is what the verdict was made of,
    read from the job's folder when it is asked for; None where nothing was proved.
    """

    report: Report
    candidate: Path | None
    inputs: tuple[Path, ...] = ()
    compared: Callable[[], Compared] | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """Two runs, the policy that judged them, and the bindings that the candidate was run with."""

    comparison: Comparison
    policy: Policy
    bindings: Bindings
