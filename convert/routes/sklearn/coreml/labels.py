"""Class labels, and the stages of classifiers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .....validate.coreml.files.proto import Message
from .....validate.signature import ClassLabel
from .builder import OLDEST, Builder
from .wires import INT64, SCORES, STRING, Columns, Outputs, Wire, unsupported

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Labels:
    """An estimator's classes in its own order; ``kind`` is INT64 or STRING."""

    kind: str
    values: tuple[ClassLabel, ...]

    def write(self, body: Message) -> None:
        """Write the labels into a classifier's message."""
        field = body.stringClassLabels if self.kind == STRING else body.int64ClassLabels
        field.vector.extend(self.values)


def labels_of(estimator: Any) -> Labels:
    """The classes of a classifier. Raises PG404 unless they are text, or whole numbers of one target."""
    if isinstance(estimator.classes_, list):
        raise unsupported(estimator, "a Core ML classifier has one label, not one for each target")
    return as_labels(estimator, np.asarray(estimator.classes_))


def as_labels(estimator: Any, classes: npt.NDArray[Any]) -> Labels:
    """Given classes as labels. Raises PG404 for other than text and whole numbers."""
    values = classes.tolist()
    if all(isinstance(value, str) for value in values):
        return Labels(STRING, tuple(values))
    if all(isinstance(value, int | float) and value == int(value) for value in values):
        return Labels(INT64, tuple(map(int, values)))
    raise unsupported(estimator, "Core ML's class labels are text or whole numbers")


def add_classifier(b: Builder, x: Columns, labels: Labels, version: int = OLDEST) -> tuple[Message, Outputs]:
    """Append a classifier's stage, which the caller fills in; its outputs are label and probabilities."""
    label, scores = b.wire("label", labels.kind), b.wire("probabilities", SCORES[labels.kind])
    spec = b.stage(x, (label, scores), predicted=label.name, scores=scores.name, version=version)
    return spec, Outputs({"label": label, "probabilities": scores}, {"probabilities": labels.values})


def add_label_classifier(b: Builder, x: Columns, labels: Labels) -> tuple[Message, Wire]:
    """Append a classifier's stage, which the caller fills in, with the label as its only output."""
    label = b.wire("label", labels.kind)
    return b.stage(x, (label,), predicted=label.name), label
