"""What paritygate.toml may hold, as msgspec's structs: an unknown key or a value of the wrong type is refused.

The options are named like the fields of :class:`~paritygate.convert.options.ConvertOptions`' groups. Each may be given
as a value of TOML, or as the text that the command line takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from ...convert.options import Precision, Quantize
from ...validate.options import AcceptedPrecision, InputDtype, PolicyName
from ..levels import FailOn

Texts = tuple[str, ...]
Pair = tuple[float, float]
Positive = Annotated[int, Meta(ge=1)]
Share = Annotated[float, Meta(ge=0, le=1)]
NotNegative = Annotated[float, Meta(ge=0)]


class Image(Struct, frozen=True, forbid_unknown_fields=True):
    """A Core ML image: pixel p means ``scale * p + bias``; ``bias`` is one number, or one for each channel."""

    scale: float = 1.0
    bias: float | tuple[float, ...] = 0.0
    layout: Literal["RGB", "BGR", "GRAY"] = "RGB"


class Shared(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The options that ``convert``, ``validate`` and ``gate`` have in common. Paths start from the file's folder."""

    signature: str | UnsetType = UNSET
    weights: str | UnsetType = UNSET
    trust: bool | UnsetType = UNSET
    inputs: Texts | UnsetType = UNSET
    dynamic: Texts | UnsetType = UNSET
    dtype: InputDtype | UnsetType = UNSET
    samples: str | UnsetType = UNSET
    seed: int | UnsetType = UNSET
    ranges: Mapping[str, Pair] | Texts | UnsetType = UNSET
    batch_sizes: tuple[Positive, ...] | UnsetType = UNSET
    policy: PolicyName | UnsetType = UNSET
    rtol: NotNegative | UnsetType = UNSET
    atol: NotNegative | UnsetType = UNSET
    tolerances: Mapping[str, Pair] | Texts | UnsetType = UNSET
    budget: NotNegative | UnsetType = UNSET
    second_opinion: bool | UnsetType = UNSET
    search: NotNegative | UnsetType = UNSET
    thresholds: Mapping[str, float | tuple[float, ...]] | Texts | UnsetType = UNSET
    metrics: Texts | UnsetType = UNSET
    localise: bool | UnsetType = UNSET
    min_coverage: Share | UnsetType = UNSET
    max_flips: float | str | UnsetType = UNSET
    max_drop: Mapping[str, NotNegative] | Texts | UnsetType = UNSET
    min_snr: float | UnsetType = UNSET
    redact: bool | UnsetType = UNSET
    timeout: float | str | UnsetType = UNSET
    memory_limit: float | str | UnsetType = UNSET
    engine: str | UnsetType = UNSET
    pass_env: Texts | UnsetType = UNSET
    prove_in: Texts | UnsetType = UNSET


class ConvertSettings(Shared, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The options of a conversion."""

    route: str | UnsetType = UNSET
    opset: Positive | UnsetType = UNSET
    precision: Precision | UnsetType = UNSET
    quantize: Quantize | UnsetType = UNSET
    deployment_target: str | UnsetType = UNSET
    images: Mapping[str, Image] | Texts | UnsetType = UNSET
    class_labels: str | tuple[str | int, ...] | UnsetType = UNSET
    shapes: Mapping[str, tuple[tuple[Positive, ...], ...]] | Texts | UnsetType = UNSET


class ValidateSettings(Shared, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The options of a comparison."""

    precision: AcceptedPrecision | UnsetType = UNSET
    bind: Mapping[str, str] | Texts | UnsetType = UNSET
    bind_inputs: Mapping[str, str] | Texts | UnsetType = UNSET


class TargetSettings(ConvertSettings, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One target of a model. ``to`` is onnx, mlmodel or mlpackage, ``name`` what reports call it (default: ``to``)."""

    to: str
    name: str = ""
    output: str = ""


class ModelSettings(ConvertSettings, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Models with the same targets and options.

    ``path`` is a file, a folder, a pattern such as ``models/*.onnx``, or ``module:factory``; ``name`` what reports call
    it (only where ``path`` is one model; default: the path).
    """

    path: str
    name: str = ""
    targets: tuple[str | TargetSettings, ...] = ()


class OverrideSettings(ConvertSettings, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Options for the models whose name matches a pattern. They win over those of ``[[model]]``."""

    match: str


class GateSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """``output`` is the folder that is exported to, ``targets`` are those of models that name none.

    ``jobs`` is how many models run at once (default: one per CPU, at most 4).
    """

    output: str = "exported"
    targets: tuple[str | TargetSettings, ...] = ("onnx",)
    jobs: Positive | UnsetType = UNSET
    fail_on: FailOn = FailOn.INCONCLUSIVE


class WaiverSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A signed-off exception: ``output`` may be off by up to ``max_abs`` until the day ``expires``.

    ``model`` is a pattern for the path of either model.
    """

    output: str
    max_abs: Annotated[float, Meta(gt=0)]
    reason: str
    expires: date
    model: str = "*"
    signed_off_by: str = ""


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The whole file. ``defaults`` are for all commands, ``convert`` for it and the gate, ``validate`` for it alone."""

    gate: GateSettings = GateSettings()
    defaults: Shared = Shared()
    convert: ConvertSettings = ConvertSettings()
    validate: ValidateSettings = ValidateSettings()
    model: tuple[ModelSettings, ...] = ()
    override: tuple[OverrideSettings, ...] = ()
    waiver: tuple[WaiverSettings, ...] = ()
