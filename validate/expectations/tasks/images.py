"""Images: boxes as sets, average precision, and overlap of masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .values import Given, Rows

if TYPE_CHECKING:
    from ...signature import Array


def iou(given: Given) -> Rows:
    """The mean overlap of classes in each image: with the truth, or without with the reference's own masks."""
    expected, actual = (_labels(each) for each in (given.expected[0], given.actual[0]))
    right = given.truth.of(len(expected))
    wanted = expected if right is None else right
    first, second = (
        np.array([_overlap(a, b) for a, b in zip(wanted, each, strict=True)]) for each in (expected, actual)
    )
    return Rows(first, second)


def _labels(masks: Array) -> Array:
    """Classes of pixels: whole numbers as they are, one channel of scores at 0.5, several by the greatest (axis 1)."""
    if masks.dtype.kind in "iub":
        return masks
    return masks > 0.5 if masks.ndim < 4 or masks.shape[1] == 1 else masks.argmax(1)


def _overlap(wanted: Array, got: Array) -> float:
    """The mean over the classes that either has."""
    labels = np.union1d(np.unique(wanted), np.unique(got))
    return float(np.mean([_shared(wanted == label, got == label) for label in labels])) if len(labels) else 1.0


def _shared(first: Array, second: Array) -> float:
    return float((first & second).sum() / (first | second).sum())


def boxes_iou(first: Array, second: Array) -> Array:
    """The overlap of each of ``[n, 4]`` with each of ``[m, 4]`` boxes (x1, y1, x2, y2)."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(-1)
    areas = [np.clip(each[:, 2:] - each[:, :2], 0, None).prod(-1) for each in (first, second)]
    return np.asarray(common / np.maximum(areas[0][:, None] + areas[1][None] - common, 1e-12))


def matched(wanted: Any, got: Any, least: float) -> list[bool]:
    """For each detection in the order of its score, whether it meets one of the wanted that none before it has taken.

    Detections are (boxes, labels); they meet with the same label and an overlap of at least ``least``.
    """
    overlaps = boxes_iou(got[0], wanted[0])
    free = np.ones(len(wanted[0]), bool)
    found = []
    for row, label in zip(overlaps, got[1], strict=True):
        allowed = np.where(free & (wanted[1] == label), row, -1.0)
        best = int(allowed.argmax()) if len(allowed) else -1
        hit = best >= 0 and allowed[best] >= least
        if hit:
            free[best] = False
        found.append(hit)
    return found


def detections(given: Given) -> Rows:
    """The harmonic mean of precision and recall of each image's detections: 1 for the reference's own set."""
    wanted, got = (_detected(each, given["score"]) for each in (given.expected, given.actual))
    scores = [_harmonic(w, g, given["iou"]) for w, g in zip(wanted, got, strict=True)]
    return Rows(np.ones(len(scores)), np.array(scores))


def _detected(outputs: tuple[Array, ...], least: float) -> list[tuple[Array, Array, Array]]:
    """(boxes, labels, scores) of each image that score enough, best first."""
    boxes, scores, labels = outputs if len(outputs) == 3 else (*outputs, np.zeros(outputs[1].shape, int))
    found = []
    for each, score, label in zip(boxes, scores, labels, strict=True):
        order = [at for at in np.argsort(-score, kind="stable") if score[at] >= least]
        found.append((np.asarray(each, np.float64)[order], label[order], score[order]))
    return found


def _harmonic(wanted: Any, got: Any, least: float) -> float:
    total = len(wanted[0]) + len(got[0])
    return 2 * sum(matched(wanted, got, least)) / total if total else 1.0


def average_precision(given: Given) -> Rows:
    """Average precision at one overlap, the reference's detections above ``score`` being the truth.

    M. Everingham et al., The PASCAL visual object classes challenge (2010), with all points of the curve; classes
    together. Each row holds one image's detections.
    """
    wanted = _detected(given.expected, given["score"])
    first, second = (_hits(wanted, _detected(each, 0.0), given["iou"]) for each in (given.expected, given.actual))
    return Rows(first, second, _precision)


def _hits(wanted: Sequence[Any], images: Sequence[Any], least: float) -> Array:
    """For each image how many were wanted, the scores of what was found, and which of these meet."""
    rows = np.empty(len(images), object)
    for at, (want, got) in enumerate(zip(wanted, images, strict=True)):
        rows[at] = (len(want[0]), got[2], np.array(matched(want, got, least), bool))
    return rows


def _precision(rows: Array) -> float:
    wanted = sum(row[0] for row in rows)
    scores = np.concatenate([row[1] for row in rows]) if len(rows) else np.empty(0)
    hits = np.concatenate([row[2] for row in rows]) if len(rows) else np.empty(0, bool)
    if not wanted:
        return float("nan") if not len(hits) else 0.0
    hits = hits[np.argsort(-scores, kind="stable")]
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float((envelope * hits).sum() / wanted)
