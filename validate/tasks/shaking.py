"""How much the reference's outputs move when the last bit of its inputs changes: the model's own condition."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..engines.base import Model
from ..noise.plan import ALIKE_IN_TWO, Plan, carried
from ..noise.shakes import SHAKES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..samples import Sample
    from ..signature import Array, Feed


def shake_planned(
    model: Model, samples: Sequence[Sample], outputs: Sequence[Mapping[str, Array]], plan: Plan
) -> list[Mapping[str, Array]]:
    """:func:`shaken` of every sample: by runs on those that the plan measures, where these tell the others."""

    def moved(numbers: Sequence[int]) -> list[Mapping[str, Array]]:
        return [shaken(model, samples[n].feed, outputs[n]) for n in numbers]

    known = dict(zip(plan.once, moved(plan.once), strict=True))
    told = carried(plan.donors, known, outputs, ALIKE_IN_TWO)
    known |= dict(zip(plan.left, moved(plan.left), strict=True)) if told is None else told
    return [known[number] for number in sorted(known)]


def shaken(model: Model, feed: Feed, outputs: Mapping[str, Array]) -> dict[str, Array]:
    """How far each floating output moves when the last bit of the floating inputs goes up or down.

    Sums of squares by element, over :data:`SHAKES` runs. Rounding inside of the model can't be expected to move its
    outputs less. Empty where no input is floating.
    """
    moved: dict[str, Array] = {}
    if not any(array.dtype.kind == "f" for array in feed.values()):
        return moved
    for seed in range(SHAKES):
        try:
            got = model.run(_shake(feed, np.random.default_rng(seed)))
        except Exception:  # noqa: BLE001  # a framework's own error; the sample itself ran, so nothing is wrong with it
            return {}
        for name, want in outputs.items():
            if name in got and got[name].shape == want.shape and want.dtype.kind in "fV":
                moved[name] = moved.get(name, 0.0) + _squared(want, got[name])
    return moved


def _shake(feed: Feed, random: np.random.Generator) -> Feed:
    return {name: _changed(array, random) if array.dtype.kind == "f" else array for name, array in feed.items()}


def _changed(array: Array, random: np.random.Generator) -> Array:
    step = float(np.finfo(array.dtype).eps)
    changed: Array = array * (1 + step * random.choice([-1.0, 1.0], array.shape))
    return changed.astype(array.dtype)


def _squared(want: Array, got: Array) -> Array:
    with np.errstate(invalid="ignore", over="ignore"):
        squared = (got.astype(np.float64) - want.astype(np.float64)) ** 2
    return np.where(np.isfinite(squared), squared, 0.0)
