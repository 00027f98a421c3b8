"""``name(output, key=value)[:MAX_DIFF]`` texts, and the metrics by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import ParityGateError
from . import classes, images, sequences, vectors
from .text import TEXT
from .values import Compute, TaskMetric, Truth


@dataclass(frozen=True, slots=True)
class Kind:
    """One metric: how many outputs it takes, and its settings with their defaults."""

    compute: Compute
    outputs: tuple[int, ...] = (1,)
    settings: Mapping[str, Any] = field(default_factory=dict)


KINDS: Mapping[str, Kind] = {
    "top": Kind(classes.top, settings={"k": 1}),
    "margin": Kind(classes.margin),
    "auc": Kind(classes.auc),
    "logloss": Kind(classes.logloss),
    "iou": Kind(images.iou),
    "detections": Kind(images.detections, (2, 3), {"iou": 0.5, "score": 0.5}),
    "map": Kind(images.average_precision, (2, 3), {"iou": 0.5, "score": 0.5}),
    "cosine": Kind(vectors.cosine),
    "neighbours": Kind(vectors.neighbours, settings={"k": 10}),
    "quantile": Kind(vectors.quantile, settings={"q": 0.9}),
    "edits": Kind(sequences.edits),
    "ctc": Kind(sequences.ctc, settings={"blank": 0}),
}
"""Name -> metric; docs/task-metrics.md describes them."""


def parse_task_metric(text: str) -> TaskMetric:
    """The metric that a text asks for. Raises ParityGateError PG201, and PG203 for a truth that can't be read."""
    found = TEXT.fullmatch(text.strip())
    if found is None or found["name"] not in KINDS:
        raise ParityGateError("PG201", f"metric {text}", "there is no such metric", f"Metrics: {', '.join(KINDS)}.")
    kind = KINDS[found["name"]]
    outputs, settings, truth = _arguments(text, found["inside"], kind)
    if len(outputs) not in kind.outputs:
        wanted = " or ".join(map(str, kind.outputs))
        raise ParityGateError("PG201", f"metric {text}", f"it takes {wanted} outputs, and {len(outputs)} are named")
    name = text.strip() if found["limit"] is None else text.strip().rpartition(":")[0]
    return TaskMetric(name, kind.compute, outputs, truth, settings, _limit(text, found["limit"]))


def _arguments(text: str, inside: str, kind: Kind) -> tuple[tuple[str, ...], dict[str, Any], Truth]:
    outputs, settings, truth = [], dict(kind.settings), Truth()
    for part in filter(None, map(str.strip, inside.split(","))):
        key, equals, value = part.partition("=")
        if not equals:
            outputs.append(part)
        elif key == "truth":
            truth = Truth(_read(text, Path(value)))
        elif key in kind.settings:
            settings[key] = _number(text, key, value, like=kind.settings[key])
        else:
            known = ", ".join([*kind.settings, "truth"])
            raise ParityGateError("PG201", f"metric {text}", f"it has no setting {key}", f"Settings: {known}.")
    return tuple(outputs), settings, truth


def _number(text: str, key: str, value: str, like: float) -> float:
    try:
        return type(like)(value)
    except ValueError as error:
        raise ParityGateError("PG201", f"metric {text}", f"{key}={value} is not a number") from error


def _limit(text: str, given: str | None) -> float | None:
    if given is None:
        return None
    limit = _number(text, "MAX_DIFF", given, like=0.0)
    if not 0 <= limit < float("inf"):
        raise ParityGateError("PG201", f"metric {text}", f"MAX_DIFF {given} is not a finite number of 0 or more")
    return limit


def _read(text: str, file: Path) -> Any:
    try:
        return np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        cause = f"truth={file} can't be read as .npy: {error}"
        raise ParityGateError(
            "PG203", f"metric {text}", cause, "Save the true answers, one per row, with np.save."
        ) from error
