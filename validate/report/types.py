"""What a comparison found, as plain frozen values; renderers (:mod:`.render`) turn it into text.

Importing this module costs nothing: no numpy, no rich. Numbers are Python numbers, indices are tuples.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ..errors import ExitCode
from ..signature import Signature
from ..trees.types import TreesProof
from ..weights.types import WeightsProof
from .budgets import BudgetResult
from .charts import OutputCharts
from .coverage import Coverage
from .divergence import Divergence
from .user_checks import Crossing, MetricComparison, Source, Waiver


class Verdict(StrEnum):
    """The result for one output, or for a whole report."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


class Severity(StrEnum):
    """How severe a finding is: an ERROR prevents a pass, the others only inform."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far one element may be off: ``atol + rtol*|expected| + ulps*ulp``.

    ``ulp`` is the spacing of ``dtype``'s numbers at the sample's scale (:func:`.metrics.scale_exponent`); it
    stands for rounding that an element inherits from terms much larger than itself. All zero means exact.
    ``dtype`` is the coarser of the two dtypes that meet. ``source`` says where the bounds are from: "default" (a row
    per dtype), "user", or "computed": ``factor`` times each element's noise floor, whose median over ``runs`` perturbed
    runs is ``floor``, and the formula is the ceiling (see :mod:`.computed`). "budget": no
    element has a bound, one of the user's budgets decides.
    """

    rtol: float = 0.0
    atol: float = 0.0
    ulps: float = 0.0
    dtype: str = ""
    source: Source = Source.DEFAULT
    floor: float | None = None
    factor: float | None = None
    runs: int = 0

    @property
    def exact(self) -> bool:
        """Whether nothing may differ at all."""
        return self.rtol == self.atol == self.ulps == 0


@dataclass(frozen=True, slots=True)
class WorstElement:
    """The element that is furthest beyond what was allowed, or nearest to it.

    ``sample`` counts from 0; ``index`` is the position in that sample's output. ``error`` and ``allowed`` are
    None where they mean nothing: for text, and where one of the values is NaN or infinite.
    """

    sample: int
    index: tuple[int, ...]
    expected: float | int | bool | str
    actual: float | int | bool | str
    error: float | None = None
    allowed: float | None = None


@dataclass(frozen=True, slots=True)
class Errors:
    """Statistics over all elements of an output that are finite on both sides, in every sample.

    ``max_relative`` and ``mean_relative`` are over the elements whose expected value is not zero; None when there
    are none. ``cosine`` is None where a side is all zero; ``snr_db`` is ``10 log10(sum expected^2 / sum error^2)``,
    infinite when nothing differs. Both are None where float64 can't hold the squares. ``quantiles`` are (q,
    absolute error) pairs, exact up to :data:`.metrics.QUANTILE_SAMPLE` elements, from a seeded draw of that many
    beyond. ``required_atol`` is the least ``atol`` that passes together with the tolerance's ``rtol`` and without
    ``ulps``. ``largest`` is the reference's greatest magnitude.
    """

    max_absolute: float
    mean_absolute: float
    max_relative: float | None
    mean_relative: float | None
    cosine: float | None
    snr_db: float | None
    quantiles: tuple[tuple[float, float], ...]
    required_atol: float
    largest: float | None = None


@dataclass(frozen=True, slots=True)
class Metrics:
    """How one output differs, over all samples.

    ``differing`` counts elements beyond the tolerance, ``mismatched`` those where NaN or infinity stand on one
    side only or with another sign, ``nonfinite`` those that are NaN or infinite on either side. ``errors`` is None
    for text and where no element is finite on both sides.
    """

    elements: int
    differing: int
    mismatched: int = 0
    nonfinite: int = 0
    errors: Errors | None = None


@dataclass(frozen=True, slots=True)
class LabelAgreement:
    """How the outputs of two classifiers agree, counted per row of all samples.

    ``agreeing`` rows have the same label (of a label output), or the same greatest score (of a scores output).
    ``top_k`` is the share of rows whose ``k`` greatest scores belong to the same classes; None for labels and for
    ``k`` classes or fewer. ``ties`` are rows with another label whose two classes score nearer to each other
    than the tolerance of ``scores_name`` (of the output itself where that is ""): either label is right there.
    """

    rows: int
    agreeing: int
    k: int = 0
    top_k: float | None = None
    ties: int = 0
    scores_name: str = ""

    @property
    def rate(self) -> float:
        """Share of rows that agree."""
        return self.agreeing / self.rows

    @property
    def flips(self) -> int:
        """Rows that don't agree, ties included."""
        return self.rows - self.agreeing


@dataclass(frozen=True, slots=True)
class Digits:
    """How many decimal digits of an output were tested: its movement over the samples against what was allowed.

    ``share`` of the ``elements`` were tested to ``reached`` digits or better. ``untested`` counts those that rounding
    decides, ``columns`` names the columns of a table that have no others, ``channels`` the (axis, index) of what an
    output of more axes has hardly others in.
    """

    reached: float
    share: float
    elements: int
    untested: int = 0
    columns: tuple[int, ...] = ()
    channels: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class OutputComparison:
    """The comparison of one output of the reference, or of one that only the candidate has.

    ``name`` is the reference's, ``candidate_name`` the candidate's; "" where there is none. ``code`` is "" on a
    pass, otherwise one of the catalog's. ``reason`` is one sentence for the user, also on a pass if something
    should be said. ``shape`` is the first sample's. ``informative`` is False when all samples gave the same
    values, so that agreement proves little; ``digits`` is None where no digits are counted. ``waiver`` is what an
    output passes by although its values differ.
    """

    name: str
    candidate_name: str
    verdict: Verdict
    code: str = ""
    reason: str = ""
    dtype: str = ""
    candidate_dtype: str = ""
    shape: tuple[int, ...] | None = None
    tolerance: Tolerance | None = None
    metrics: Metrics | None = None
    worst: WorstElement | None = None
    labels: LabelAgreement | None = None
    informative: bool = True
    crossings: tuple[Crossing, ...] = ()
    waiver: Waiver | None = None
    digits: Digits | None = None

    @property
    def passed(self) -> bool:
        """Whether this output agrees."""
        return self.verdict is Verdict.PASS


@dataclass(frozen=True, slots=True)
class Finding:
    """A remark in addition to the values. ``where`` names the user's thing, ``hint`` says what to do about it."""

    code: str
    severity: Severity
    where: str
    message: str
    hint: str = ""


def _counted(number: int, word: str, plural: str = "s") -> str:
    return f"{number:,} {word}{'' if number == 1 else plural}"


@dataclass(frozen=True, slots=True)
class SamplesSummary:
    """What both models were run on. ``seed`` is None for the user's own samples.

    ``rows`` is the number of rows that the user's own samples have, divided into ``batches`` of the samples; None where
    they aren't rows.
    """

    count: int
    kinds: tuple[str, ...] = ()
    batch_sizes: tuple[int, ...] = ()
    origin: str = ""
    seed: int | None = None
    rows: int | None = None
    batches: int = 0

    @property
    def said(self) -> str:
        """How many there are: ``70 rows in 2 batches``, else ``8 samples``."""
        more = self.count - self.batches
        if self.rows is None or more < 0:
            return _counted(self.count, "sample")
        batches = f"{_counted(self.rows, 'row')} in {_counted(self.batches, 'batch', 'es')}"
        return f"{batches} and {_counted(more, 'more sample')}" if more else batches


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """One of the two models.

    ``path`` is a path, or a live object's class; ``sha256`` is of the file that was run, ``runtime`` what ran it.
    """

    path: str
    format: str
    signature: Signature
    size: int | None = None
    sha256: str | None = None
    opset: str = ""
    runtime: str = ""


@dataclass(frozen=True, slots=True)
class Environment:
    """What the figures depend on in addition to the models. ``cpu_flags`` are those that change int8 arithmetic."""

    versions: Mapping[str, str] = field(default_factory=dict)
    engine: str = ""
    provider: str = ""
    cpu: str = ""
    cpu_flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportData:
    """Everything there is to say about one comparison; :class:`.report.Report` adds how it prints.

    The verdict is derived, never set, so that a report can't pass with a failing row in it. ``timings`` are seconds
    per stage, in order. ``divergence`` is the first place where a failing candidate differs, if found.
    ``trees`` is the proof of ensembles of trees, ``weights`` says how many of the reference's parameter values the
    candidate holds; None where the reference has none.
    ``coverage`` is what the samples exercised, ``budgets`` how budgets were kept, ``charts`` what a page draws.
    """

    outputs: tuple[OutputComparison, ...]
    reference: ModelSummary
    candidate: ModelSummary
    samples: SamplesSummary
    environment: Environment
    findings: tuple[Finding, ...] = ()
    route: str = ""
    timings: Mapping[str, float] = field(default_factory=dict)
    user_metrics: tuple[MetricComparison, ...] = ()
    divergence: Divergence | None = None
    weights: WeightsProof | None = None
    trees: TreesProof | None = None
    coverage: Coverage | None = None
    budgets: tuple[BudgetResult, ...] = ()
    charts: tuple[OutputCharts, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """FAIL if anything compared differs; PASS only if something was compared and nothing speaks against it."""
        errors = [finding.code for finding in self.findings if finding.severity is Severity.ERROR]
        if any(output.verdict is Verdict.FAIL for output in self.outputs) or any(c.startswith("PG1") for c in errors):
            return Verdict.FAIL
        proved = bool(self.outputs) and self.samples.count > 0 and all(output.passed for output in self.outputs)
        return Verdict.PASS if proved and not errors else Verdict.INCONCLUSIVE

    @property
    def passed(self) -> bool:
        """Whether parity holds: the only door to an export."""
        return self.verdict is Verdict.PASS

    @property
    def exit_code(self) -> ExitCode:
        """The process' exit status for this verdict."""
        return _EXIT_CODES[self.verdict]


_EXIT_CODES = {
    Verdict.PASS: ExitCode.PASS,
    Verdict.FAIL: ExitCode.PARITY_FAILED,
    Verdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
}
