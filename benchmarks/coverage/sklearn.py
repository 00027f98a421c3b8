"""scikit-learn in docs/coverage.md: every estimator of ``all_estimators()``, each with the settings of the fixtures."""

from __future__ import annotations

import tempfile
import warnings
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import all_estimators

from fixtures.estimators import Fitted, Recipe, fitted, recipes
from paritygate.convert import convert
from paritygate.validate.errors import ParityGateError
from paritygate.validate.report import Report, Severity

from .table import Row

GROUP = "scikit-learn"

NOT_ROW_BY_ROW = {
    "DictVectorizer": "reads dictionaries, which no tensor holds",
    "FeatureHasher": "reads dictionaries, pairs or lists of tokens, which no tensor holds",
    "MultiLabelBinarizer": "reads sets of labels, which no tensor holds",
    "PatchExtractor": "gives many patches for one image, so that samples and results don't pair up",
}
"""Estimators that don't take a tensor to one result for each of its rows."""

_RANK = ("refused", "fails", "passes")
"""From the worst outcome of an estimator's settings to the best."""


def rows() -> Iterator[Row]:
    """Convert every estimator in every setting, once on held-out rows and once on generated samples."""
    settings: dict[str, list[tuple[str, Recipe]]] = defaultdict(list)
    for kind, entry in recipes():
        settings[entry.name].append((kind, entry))
    for name, estimator in all_estimators():
        if not (hasattr(estimator, "predict") or hasattr(estimator, "transform")):
            yield Row(GROUP, name, "not applicable", "neither predicts nor transforms: it says nothing of new data")
        elif name in NOT_ROW_BY_ROW:
            yield Row(GROUP, name, "not applicable", NOT_ROW_BY_ROW[name])
        else:
            yield Row(GROUP, name, *_worst(settings[name]))


def _worst(settings: list[tuple[str, Recipe]]) -> tuple[str, str]:
    """The worst outcome of all settings, and which settings it stands for."""
    found = [(*_outcome(fitted(kind, entry)), entry) for kind, entry in settings]
    worst = min((outcome for outcome, _, _ in found), key=_RANK.index)
    if worst == "passes":
        return worst, f"in {len(found)} settings" if len(found) > 1 else ""
    return worst, "; ".join(f"{entry}: {reason}" for outcome, reason, entry in found if outcome == worst)


def _outcome(case: Fitted) -> tuple[str, str]:
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        example = {"X": _as_input(case.new)}
        held_out = Path(folder) / "held_out.npz"
        np.savez(held_out, **example)
        try:
            for samples in (held_out, None):
                report = convert(case.estimator, Path(folder) / "model.onnx", samples=samples, example=example).report
                if not report.passed:
                    return "fails", _reasons(report)
        except ParityGateError as error:
            return "refused", f"[{error.code}] {error.subject}: {error.cause}"
    return "passes", ""


def _reasons(report: Report) -> str:
    """What speaks against a pass: outputs that differ, and findings beside them."""
    outputs = [f"{output.name}: {output.reason}" for output in report.outputs if not output.passed]
    findings = [finding.message for finding in report.findings if finding.severity is Severity.ERROR]
    return "; ".join([*outputs, *findings])


def _as_input(rows: Any) -> Any:
    """The rows as a tensor: text as a vector, numbers in the width that a user would feed."""
    array = np.asarray(rows)
    if array.dtype.kind in "UO":
        return array.astype(str)
    return array.astype(np.float32) if array.ndim > 1 else array.astype(np.float32).reshape(-1, 1)
