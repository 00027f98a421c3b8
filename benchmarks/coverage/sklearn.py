"""scikit-learn in docs/coverage.md: every estimator of ``all_estimators()``, each with the settings of the fixtures."""

from __future__ import annotations

import tempfile
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import all_estimators

from fixtures.estimator_data import NOT_ROW_BY_ROW
from fixtures.estimators import Fitted, Recipe, fitted, recipes

from .table import FAILS, NOT_APPLICABLE, PASSES, REFUSED, Entry, Target, outcome

GROUP = "scikit-learn"

_RANK = (REFUSED, FAILS, PASSES)
"""From the worst outcome of an estimator's settings to the best."""


def entries(targets: Sequence[Target], wanted: Callable[[str, str], bool]) -> Iterator[Entry]:
    """Convert every estimator, once with held-out samples and once with generated ones.

    To ONNX in every setting, to Core ML in the first: all settings and targets would take half a day.
    """
    settings: dict[str, list[tuple[str, Recipe]]] = defaultdict(list)
    for kind, entry in recipes():
        settings[entry.name].append((kind, entry))
    for name, estimator in all_estimators():
        for target in (target for target in targets if wanted(name, target.name)):
            if not (hasattr(estimator, "predict") or hasattr(estimator, "transform")):
                yield Entry(GROUP, name, target.name, NOT_APPLICABLE, "neither predicts nor transforms new data")
            elif name in NOT_ROW_BY_ROW:
                yield Entry(GROUP, name, target.name, NOT_APPLICABLE, NOT_ROW_BY_ROW[name])
            else:
                chosen = settings[name] if target.name == "ONNX" else settings[name][:1]
                yield Entry(GROUP, name, target.name, *_worst(chosen, target))


def _worst(settings: list[tuple[str, Recipe]], target: Target) -> tuple[str, str]:
    """The worst outcome of all settings, and the settings that it occurs in."""
    found = [(*_outcome(fitted(kind, entry), target), entry) for kind, entry in settings]
    worst = min((outcome for outcome, _, _ in found), key=_RANK.index)
    if worst == PASSES:
        routes = ", ".join(dict.fromkeys(detail for _, detail, _ in found))
        return worst, f"{routes}, in {len(found)} settings" if len(found) > 1 else routes
    return worst, "; ".join(f"{entry}: {reason}" for outcome, reason, entry in found if outcome == worst)


def _outcome(case: Fitted, target: Target) -> tuple[str, str]:
    """With held-out samples first, then with generated ones."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        example = {"X": _as_input(case.new)}
        held_out = Path(folder) / "held_out.npz"
        np.savez(held_out, **example)
        first = outcome(case.estimator, target, samples=held_out, example=example)
        return first if first[0] != PASSES else outcome(case.estimator, target, example=example)


def _as_input(data: Any) -> Any:
    """The data as a tensor: text as a vector, numbers as float32."""
    array = np.asarray(data)
    if array.dtype.kind in "UO":
        return array.astype(str)
    return array.astype(np.float32) if array.ndim > 1 else array.astype(np.float32).reshape(-1, 1)
