"""The report as the library hands it out: it prints itself as text, and in a notebook as HTML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from ..errors import ParityGateError
from ..text.flags import in_keywords
from .render.advice import advice
from .render.html import render_html
from .render.text import render_text
from .types import ReportData, Severity, Verdict


@dataclass(frozen=True, slots=True)
class Report(ReportData):
    """Everything there is to say about one comparison."""

    @property
    def code(self) -> str:
        """The code that decided: PG1xx where the models differ, PG3xx where nothing is proved; "" for a pass."""
        outputs = [output.code for output in self.outputs if not output.passed]
        findings = [finding.code for finding in self.findings if finding.severity is Severity.ERROR]
        failed = self.verdict is Verdict.FAIL
        codes = (code for code in (*outputs, *findings) if code.startswith("PG1") is failed)
        return "" if self.passed else next(codes, "PG101" if failed else "PG306")

    @property
    def reason(self) -> str:
        """Why this isn't a pass, in one sentence; "" for a pass."""
        return next((text for head, text in advice(self) if head == "result"), "")

    @property
    def next_step(self) -> str:
        """The most promising thing to do about it; "" where nothing can be said, and for a pass."""
        return next((text for head, text in advice(self) if head == "next"), "")

    def raise_for_status(self) -> Self:
        """This report, if parity holds. Raises ParityGateError with its code and reason otherwise."""
        if self.passed:
            return self
        raise ParityGateError(self.code, self.candidate.path, self.reason, self.next_step)

    def __str__(self) -> str:
        return in_keywords(render_text(self))

    def _repr_html_(self) -> str:
        return render_html(self)
