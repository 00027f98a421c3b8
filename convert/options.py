"""All that a user can choose of a conversion: the groups of ``validate/options.py``, and the target's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from ..validate.keywords import SharedKeywords
from ..validate.options import (
    InputLimits,
    JudgeOptions,
    LoadOptions,
    OptionGroup,
    RunOptions,
    SampleOptions,
    set_choice,
)
from ..validate.signature import ClassLabel, ImageInput


class Precision(StrEnum):
    """What the written model computes in; MIXED keeps in float32 what float16 would spoil."""

    FP32 = "fp32"
    FP16 = "fp16"
    MIXED = "mixed"


class Quantize(StrEnum):
    """What is made smaller once the conversion is proved: weights, and with DYNAMIC and STATIC the arithmetic too."""

    DYNAMIC = "dynamic"
    STATIC = "static"
    WEIGHTS = "weights"
    WEIGHTS_INT4 = "weights-int4"

    @property
    def option(self) -> str:
        """As it is typed."""
        return f"--quantize {self.value}"


@dataclass(frozen=True, slots=True)
class TargetOptions(OptionGroup):
    """What is written and how.

    ``to`` names the target (None: by OUTPUT's suffix), ``route`` the only route to try (None: all, until one proves
    parity), ``opset`` the ONNX opset (None: that of an ONNX source, else at most
    :data:`.targets.DEFAULT_OPSET`, or a newer one that the model needs), ``precision`` what it computes in,
    ``quantize`` how the proved conversion is quantised (None: not at all).
    """

    to: str | None = None
    route: str | None = None
    opset: int | None = None
    precision: Precision = Precision.FP32
    quantize: Quantize | None = None

    def __post_init__(self) -> None:
        set_choice(self, "precision", Precision)
        if self.quantize is not None:
            set_choice(self, "quantize", Quantize)


@dataclass(frozen=True, slots=True)
class CoreMLOptions(OptionGroup):
    """What is for Core ML only.

    ``deployment_target`` is the oldest system to run on (``iOS15``, ``macOS13``, ...; None: the oldest that will do).
    ``images`` are inputs of the source that become images, ``class_labels`` names of the classes of the only output,
    ``shapes`` (input -> shapes) the only shapes of an input.
    """

    deployment_target: str | None = None
    images: Mapping[str, ImageInput] = field(default_factory=dict)
    class_labels: tuple[ClassLabel, ...] = ()
    shapes: Mapping[str, tuple[tuple[int, ...], ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ConvertOptions(OptionGroup):
    """All that can be chosen of a conversion."""

    load: LoadOptions = field(default_factory=LoadOptions)
    sample: SampleOptions = field(default_factory=SampleOptions)
    judge: JudgeOptions = field(default_factory=JudgeOptions)
    run: RunOptions = field(default_factory=RunOptions)
    target: TargetOptions = field(default_factory=TargetOptions)
    coreml: CoreMLOptions = field(default_factory=CoreMLOptions)

    @property
    def limits(self) -> InputLimits:
        """All that the candidate's inputs will take, where that is less than the source takes."""
        return InputLimits(self.coreml.images, self.coreml.shapes, self.load.ranges)


class ConvertKeywords(SharedKeywords, total=False):
    """:class:`ConvertOptions` as keywords."""

    to: str | None
    route: str | None
    opset: int | None
    precision: str
    quantize: str | None
    deployment_target: str | None
    images: Mapping[str, ImageInput] | None
    class_labels: Sequence[ClassLabel]
    shapes: Mapping[str, Sequence[tuple[int, ...]]] | None
