"""What can be written, and how it is named."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..validate.engines.libraries import COREMLTOOLS, KERAS
from ..validate.engines.registry import COREML, ONNX, Format
from ..validate.errors import ParityGateError


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of file that a conversion writes.

    ``name`` is what ``--to`` calls it; the first of its ``suffixes`` is given to a candidate. ``format`` reads it back.
    ``may_import`` are heavy modules that the source's worker may import to write it. ``holds_float64`` says that its
    inputs can be double precision. ``marker`` is the file by which a package, which is a folder, is known: it may
    replace another package of its kind.
    """

    name: str
    suffixes: tuple[str, ...]
    format: Format
    may_import: tuple[str, ...] = ()
    holds_float64: bool = False
    marker: str = ""

    @property
    def suffix(self) -> str:
        """The suffix of what is written."""
        return self.suffixes[0]


DEFAULT_OPSET = 20
"""ONNX files have at most this opset where the user doesn't choose one and the model doesn't need a newer one.

The newest one that all of these take: ONNX Runtime since 1.20 of November 2024 (21), Windows ML's current packages
(23), DirectML (20), TensorRT 10 (20 in its first releases), OpenVINO since 2024.6 (22). docs/opsets.md has the sources.
"""

_COREMLTOOLS = (COREMLTOOLS.module, KERAS.module)  # coremltools asks TensorFlow for Keras

ONNX_MODEL = Target("onnx", (".onnx",), ONNX, holds_float64=True)
MLMODEL = Target("mlmodel", (".mlmodel",), COREML, _COREMLTOOLS)
MLPACKAGE = Target("mlpackage", (".mlpackage",), COREML, _COREMLTOOLS, marker="Manifest.json")

TARGETS = (ONNX_MODEL, MLMODEL, MLPACKAGE)
"""All of them."""


def choose_target(output: Path, name: str | None) -> Target:
    """The target that is named, or else that of OUTPUT's suffix. Raises PG201 for the name and PG205 for the suffix."""
    if name is not None:
        return _only([target for target in TARGETS if target.name == name], "PG201", name, name)
    suffix = output.suffix
    said = suffix.removeprefix(".") or "no suffix"
    return _only([target for target in TARGETS if suffix in target.suffixes], "PG205", str(output), said)


def _only(found: list[Target], code: str, subject: str, said: str) -> Target:
    if found:
        return found[0]
    names = ", ".join(sorted(target.name for target in TARGETS))
    raise ParityGateError(code, subject, f"{said!r} is not a target format", f"Targets: {names}.")
