"""Does the reference's answer to a row depend on the other rows of its batch? Found out by asking it twice.

A row on its own and the same row beside its copy are the same question, but an engine sums and vectorises the two
batches differently. Where the answers differ by more than the tolerance, the answer is not the model's but
rounding's (silence divided by its own range, say), or the model mixes the rows of a batch (batch statistics).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .engines.base import Model
from .signature import Signature, TensorSpec

if TYPE_CHECKING:
    from .samples import Sample
    from .signature import Array


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
