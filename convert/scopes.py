"""Which options of a conversion are for which targets only."""

from __future__ import annotations

from collections.abc import Mapping

from ..validate.engines.registry import COREML, ONNX
from ..validate.engines.scopes import Scope, check_judging, check_scopes
from .options import ConvertOptions
from .targets import Target

TARGET: Mapping[str, Scope] = {
    "opset": Scope("--opset", "is the version of the operators in an ONNX file", (ONNX,)),
}
"""Field of :class:`TargetOptions` -> the targets that it is for; the other fields are for all."""

CORE_ML: Mapping[str, Scope] = {
    "deployment_target": Scope("--deployment-target", "is the oldest system that a Core ML model runs on", (COREML,)),
    "images": Scope("--image-input", "makes an input of a Core ML model an image", (COREML,)),
    "class_labels": Scope("--class-labels", "makes a Core ML model a classifier", (COREML,)),
    "shapes": Scope("--shapes", "lists the shapes that an input of a Core ML model may have", (COREML,)),
}
"""Field of :class:`CoreMLOptions` -> the targets that it is for."""


def check_target_options(options: ConvertOptions, target: Target) -> None:
    """Raises ParityGateError PG201 for an option that doesn't apply to what is written."""
    for scopes, group in ((TARGET, options.target), (CORE_ML, options.coreml)):
        check_scopes(scopes, group, target.format, "OUTPUT is")
    check_judging(options.judge, target.format)
