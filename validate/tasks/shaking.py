"""Does the reference's answer to a row depend on the other rows of its batch? Found out by asking it twice.

A row on its own and the same row beside its copy are the same question, but an engine sums and vectorises the two
batches differently. Where the answers differ by more than the tolerance, the answer is not the model's but
rounding's (silence divided by its own range, say), or the model mixes the rows of a batch (batch statistics).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..engines.base import Model
from ..signature import Signature, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..samples import Sample
    from ..signature import Array, Feed


def ask_again_in_a_pair(model: Model, sample: Sample) -> dict[str, Array] | None:
    """The outputs of a one-row sample, computed beside a copy of it; None where that can't be asked."""
    if sample.batch != 1:
        return None
    batched = [spec for spec in model.signature.inputs if _has_batch(spec)]
    if not batched:
        return None
    pair = {**sample.feed, **{spec.name: np.concatenate([sample.feed[spec.name]] * 2) for spec in batched}}
    return _first_rows(model.run(pair), model.signature)


def _has_batch(spec: TensorSpec) -> bool:
    return spec.shape is not None and len(spec.shape) > 0 and isinstance(spec.shape[0], str)


def _first_rows(outputs: dict[str, Array], signature: Signature) -> dict[str, Array] | None:
    """Outputs cut back to the first row; None unless every one of them has the batch in front."""
    rows = {name: array[:1] for name, array in outputs.items() if array.ndim and array.shape[0] == 2}
    return rows if len(rows) == len(signature.outputs) else None


SHAKES = 2


def last_bit(feeds: Sequence[Feed]) -> float:
    """The relative change of the coarsest shaken input: the spacing of its dtype's numbers at 1; 0 without any."""
    dtypes = {array.dtype for feed in feeds for array in feed.values() if array.dtype.kind == "f"}
    return max((float(np.finfo(dtype).eps) for dtype in dtypes), default=0.0)


def shaken(model: Model, feed: Feed, answer: Mapping[str, Array]) -> dict[str, Array]:
    """How far each floating output moves when the last bit of the floating inputs goes up or down.

    Sums of squares by element, over :data:`SHAKES` runs: the model's own condition, since rounding on the way can't be
    expected to move its answers less. Empty where nothing can be shaken.
    """
    moved: dict[str, Array] = {}
    if not any(array.dtype.kind == "f" for array in feed.values()):
        return moved
    for seed in range(SHAKES):
        try:
            got = model.run(_shake(feed, np.random.default_rng(seed)))
        except Exception:  # noqa: BLE001  # a framework's own error; the sample itself ran, so it is no fault
            return {}
        for name, want in answer.items():
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
