"""All that a user can choose, in frozen groups: the command line, a config file and a notebook fill the same ones.

Importing this costs nothing: no numpy, no framework. Every default stands here and nowhere else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from .engines.registry import ENGINES
from .errors import ParityGateError
from .events import Listener, ignore
from .limits import MEMORY, TIMEOUT, bytes_of, seconds_of
from .limits import Limits as Limits
from .signature import ImageInput, TensorSpec

if TYPE_CHECKING:
    from .signature import Array
    from .verdict.policy import Policy

    MetricFunction = Callable[[Mapping[str, Array], Mapping[str, Array]], Any]
    GivenMetric: TypeAlias = str | MetricFunction | tuple[str | MetricFunction, float]

Choice = TypeVar("Choice", bound=StrEnum)


class OptionGroup:
    """What all groups have in common: the fields of a group are options, or groups themselves."""

    __slots__ = ()


class PolicyName(StrEnum):
    """A tolerance without figures of the user's: measured for each model, or fixed for each dtype."""

    COMPUTED = "computed"
    TABLE = "table"


class InputDtype(StrEnum):
    """The width of inputs where the source leaves it open."""

    FLOAT32 = "float32"
    FLOAT64 = "float64"


@dataclass(frozen=True, slots=True)
class DynamicAxis:
    """An axis of an input that may have any length, or one from ``low`` to ``high`` (Core ML takes such bounds)."""

    input: str
    axis: int
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True)
class LoadOptions(OptionGroup):
    """What a user may say about a model that its file doesn't.

    ``signature`` names a SavedModel signature or a function of an ML Program; ``weights`` is a file with the weights of
    a ``module:factory`` source, or ``FILE:ENTRY`` for those below an entry of it; ``trust`` allows files that can run
    code; ``inputs`` declares inputs where the file has no signature, ``constants`` (name -> value) what else a PyTorch
    module's forward is called with; ``example`` is the user's first sample (name ->
    array), from which an engine may read names, dtypes and shapes; ``dynamic`` lists dynamic axes; ``dtype`` is the
    width of floating inputs where the source leaves it open (scikit-learn).
    """

    signature: str | None = None
    weights: Path | None = None
    trust: bool = False
    inputs: tuple[TensorSpec, ...] = ()
    constants: Mapping[str, Any] = field(default_factory=dict)
    example: Mapping[str, Array] | None = None
    dynamic: tuple[DynamicAxis, ...] = ()
    dtype: InputDtype = InputDtype.FLOAT32

    def __post_init__(self) -> None:
        set_choice(self, "dtype", InputDtype)
        object.__setattr__(self, "dynamic", axes_of(self.dynamic))

    @property
    def weights_file(self) -> Path | None:
        """The file of ``weights``, without the entry."""
        return self._weights[0]

    @property
    def weights_entry(self) -> str:
        """The place in the file where the weights are; "" leaves it open."""
        return self._weights[1]

    @property
    def _weights(self) -> tuple[Path | None, str]:
        if self.weights is None or self.weights.exists():
            return self.weights, ""
        name, colon, entry = self.weights.name.rpartition(":")
        return (self.weights.with_name(name), entry) if colon and name else (self.weights, "")

    @property
    def axes(self) -> tuple[tuple[str, int], ...]:
        """(input, axis) of the dynamic axes."""
        return tuple((entry.input, entry.axis) for entry in self.dynamic)

    @property
    def ranges(self) -> dict[tuple[str, int], tuple[int, int]]:
        """(input, axis) -> lowest and highest length, of the dynamic axes that have bounds."""
        return {
            (entry.input, entry.axis): (entry.low, entry.high)
            for entry in self.dynamic
            if entry.low is not None and entry.high is not None
        }


@dataclass(frozen=True, slots=True, eq=False)
class GivenSamples:
    """Samples that a notebook holds: a data frame, arrays, tensors, or dictionaries of them (docs/python-api.md)."""

    value: Any


@dataclass(frozen=True, slots=True)
class ProviderOptions(LoadOptions):
    """The same for a model that ``provider``, an execution provider of ONNX Runtime, runs; "" is the CPU's."""

    provider: str = ""


@dataclass(frozen=True, slots=True)
class SampleOptions(OptionGroup):
    """Where samples come from: a file or folder of the user's, objects in memory, or a generator with a seed.

    ``ranges`` (input -> low, high) bound generated values. ``batch_sizes`` None lets the generator choose two or more;
    for a file, the first one is how it is split.
    """

    samples: Path | GivenSamples | None = None
    seed: int = 0
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    batch_sizes: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class JudgeOptions(OptionGroup):
    """How outputs are judged.

    ``policy`` is a name or a :class:`~paritygate.validate.verdict.policies.Policy` of the user's own; ``rtol`` and
    ``atol``, given both or not at all, take its place; ``tolerances`` (output -> rtol, atol) are for single outputs.
    ``budget`` limits the seconds for measuring rounding noise, ``second_opinion`` runs onnx.reference too, ``search``
    seconds are spent on finding inputs whose outputs differ.
    ``thresholds`` (output -> one or several) are where decisions change, ``metrics`` the user's own figures, ``config``
    a file with waivers (None: ``paritygate.toml`` in the working directory, if there is one). ``localise`` says
    whether a failure is followed to the first divergence, and ``repro`` is the new folder for the smallest part that
    still fails. ``min_coverage`` is the least share (0 to 1) of each thing counted that the samples must exercise; None
    asks for nothing.
    Budgets take the place of tolerances: ``max_flips`` is the greatest share (0 to 1) of rows that may change their
    class, ``max_drop`` maps metrics to how far below the reference's they may be, ``min_snr`` is the least
    signal-to-noise ratio of each output in dB. ``redact`` leaves values of samples and outputs out of the report.
    ``prove_in`` names other runtimes and releases in which parity must hold as well
    (:data:`.engines.elsewhere.catalog.RELEASES`).
    """

    policy: PolicyName | Policy = PolicyName.COMPUTED
    rtol: float | None = None
    atol: float | None = None
    tolerances: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    budget: float | None = None
    second_opinion: bool = False
    search: float = 0.0
    thresholds: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    metrics: tuple[GivenMetric, ...] = ()
    config: Path | None = None
    localise: bool = True
    repro: Path | None = None
    min_coverage: float | None = None
    max_flips: float | None = None
    max_drop: Mapping[str, float] = field(default_factory=dict)
    min_snr: float | None = None
    redact: bool = False
    prove_in: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.policy, str):
            set_choice(self, "policy", PolicyName)
        if (self.rtol is None) != (self.atol is None):
            raise ParityGateError(
                "PG201", "rtol, atol", "one was given without the other", "Give both (--rtol and --atol), or neither."
            )
        if self.min_coverage is not None and not 0 <= self.min_coverage <= 1:
            raise ParityGateError("PG201", f"min_coverage={self.min_coverage}", "it must be between 0 and 1")
        _check_budgets(self)
        if self.rtol is not None and self.policy is not PolicyName.COMPUTED:
            raise ParityGateError("PG201", "policy", "a policy and rtol/atol exclude each other", "Give one of them.")

    @property
    def has_budget(self) -> bool:
        """Whether budgets judge some outputs."""
        return self.max_flips is not None or bool(self.max_drop) or self.min_snr is not None


def _check_budgets(options: JudgeOptions) -> None:
    """Raises ParityGateError PG201 for budgets that anything would hold, or that nothing could."""
    if options.max_flips is not None and not 0 <= options.max_flips < 1:
        raise ParityGateError("PG201", f"--max-flips {options.max_flips}", "it must be at least 0 % and below 100 %")
    if options.min_snr is not None and not 0 < options.min_snr < math.inf:
        raise ParityGateError("PG201", f"--min-snr {options.min_snr}", "it must be above 0 dB, which zeros reach")
    for name, drop in options.max_drop.items():
        if not 0 <= drop < math.inf:
            raise ParityGateError("PG201", f"--max-drop {name}:{drop}", "it must be a number of 0 or more")


@dataclass(frozen=True, slots=True)
class RunOptions(OptionGroup):
    """How workers run.

    ``timeout`` (seconds) and ``memory_limit`` hold for each worker process; 0, None and "none" switch one off. A memory
    limit is a number of bytes or a text: ``"4G"``, ``"800M"``, ``"75%"`` of the machine's memory.

    ``keep`` is a new folder that receives the job's files. ``engine`` names the runtime of models that several can run
    (:data:`.engines.registry.ENGINES`; None: the default one), or :data:`~.engines.registry.BOTH`, whose outputs are
    compared. ``pass_env`` names variables of the environment that
    workers get in addition to those of docs/security.md. ``on_event`` is called with progress.
    """

    timeout: float | str | None = TIMEOUT
    memory_limit: float | str | None = MEMORY
    keep: Path | None = None
    engine: str | None = None
    pass_env: tuple[str, ...] = ()
    on_event: Listener = ignore

    def __post_init__(self) -> None:
        if self.engine is not None and self.engine not in ENGINES:
            raise ParityGateError("PG201", self.engine, "there is no such engine", f"Engines: {', '.join(ENGINES)}.")
        seconds_of(self.timeout)
        if self.memory_limit != MEMORY:  # the default needn't be checked, and asking for the memory costs an import
            bytes_of(self.memory_limit)

    @property
    def limits(self) -> Limits:
        """What one worker may use."""
        return Limits(seconds_of(self.timeout), bytes_of(self.memory_limit))


@dataclass(frozen=True, slots=True)
class BindOptions(OptionGroup):
    """Candidate name -> reference name where the two differ: ``bind`` for outputs, ``bind_inputs`` for inputs."""

    bind: Mapping[str, str] = field(default_factory=dict)
    bind_inputs: Mapping[str, str] = field(default_factory=dict)


class AcceptedPrecision(StrEnum):
    """The coarsest type that a candidate may compute in although its reference computes in a finer one."""

    FP32 = "fp32"
    FP16 = "fp16"
    BF16 = "bf16"

    @property
    def dtype(self) -> str:
        """The dtype's name."""
        return {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16"}[self.value]


@dataclass(frozen=True, slots=True)
class CandidateOptions(OptionGroup):
    """What is accepted of a candidate: ``precision`` is the coarsest type that it may compute in."""

    precision: AcceptedPrecision = AcceptedPrecision.FP32

    def __post_init__(self) -> None:
        set_choice(self, "precision", AcceptedPrecision)


@dataclass(frozen=True, slots=True)
class ValidateOptions(OptionGroup):
    """All that can be chosen of a comparison."""

    load: LoadOptions = field(default_factory=LoadOptions)
    sample: SampleOptions = field(default_factory=SampleOptions)
    judge: JudgeOptions = field(default_factory=JudgeOptions)
    run: RunOptions = field(default_factory=RunOptions)
    bind: BindOptions = field(default_factory=BindOptions)
    candidate: CandidateOptions = field(default_factory=CandidateOptions)


@dataclass(frozen=True, slots=True)
class RunModelOptions(OptionGroup):
    """All that can be chosen where one model is run."""

    load: LoadOptions = field(default_factory=LoadOptions)
    sample: SampleOptions = field(default_factory=SampleOptions)
    run: RunOptions = field(default_factory=RunOptions)


@dataclass(frozen=True, slots=True)
class InspectOptions(OptionGroup):
    """All that can be chosen where a model is described."""

    load: LoadOptions = field(default_factory=LoadOptions)
    run: RunOptions = field(default_factory=RunOptions)


@dataclass(frozen=True, slots=True)
class InputLimits:
    """All that a candidate's inputs will take, where that is less than the source takes.

    ``images`` are inputs whose values are those of pixels; ``shapes`` (input -> shapes) and ``ranges`` ((input, axis)
    -> lowest and highest length) are the only shapes. ``single_rows`` says that it takes one row of a batch at a time.
    """

    images: Mapping[str, ImageInput] = field(default_factory=dict)
    shapes: Mapping[str, tuple[tuple[int, ...], ...]] = field(default_factory=dict)
    ranges: Mapping[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    single_rows: bool = False


def choice(kind: type[Choice], value: str, name: str) -> Choice:
    """The member of an enum that a text names. Raises ParityGateError PG201 with those that there are."""
    try:
        return kind(value)
    except ValueError as error:
        known = ", ".join(kind)
        raise ParityGateError("PG201", f"{name}={value!r}", "unknown value", f"Choose from: {known}.") from error


def set_choice(options: OptionGroup, name: str, kind: type[StrEnum]) -> None:
    """Put the member of an enum in the place of its text, in a frozen group. Raises ParityGateError PG201."""
    object.__setattr__(options, name, choice(kind, getattr(options, name), name))


def share_of(given: float | str | None) -> float | None:
    """A share from 0 to 1 that may be given as a text in percent. Raises ParityGateError PG201."""
    if not isinstance(given, str):
        return given
    number, sign, rest = given.partition("%")
    try:
        return float(number if sign and not rest else "") / 100
    except ValueError as error:
        raise ParityGateError("PG201", given, "not a share in percent", "For example: 0.5%") from error


def axes_of(entries: Sequence[DynamicAxis | tuple[Any, ...]]) -> tuple[DynamicAxis, ...]:
    """Dynamic axes that may be given as tuples (input, axis) or (input, axis, low, high)."""
    return tuple(entry if isinstance(entry, DynamicAxis) else DynamicAxis(*entry) for entry in entries)
