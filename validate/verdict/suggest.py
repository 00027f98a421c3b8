"""Which outputs without a partner give the same values: a suggestion to the user, never a binding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..report.types import OutputComparison

if TYPE_CHECKING:
    from ..signature import Array

    Outputs = Sequence[Mapping[str, Array]]

_NEAR = 0.01
"""Of an output's greatest value: far less than different outputs differ, far more than rounding."""


def suggested_bindings(compared: Sequence[OutputComparison], expected: Outputs, actual: Outputs) -> tuple[str, ...]:
    """A note with the ``--bind`` options that the values suggest; none where a pair isn't the only one that fits."""
    missing = [output.name for output in compared if output.code == "PG104"]
    extra = [output.candidate_name for output in compared if output.code == "PG105" and not output.name]
    fitting = {name: [own for own in extra if _agree(expected, name, actual, own)] for name in missing}
    chosen = [own for found in fitting.values() for own in found]
    pairs = {found[0]: name for name, found in fitting.items() if len(found) == 1 and chosen.count(found[0]) == 1}
    if not pairs:
        return ()
    options = " ".join(f"--bind {own}={name}" for own, name in pairs.items())
    return (f"the values suggest {options}; nothing was bound by them: check that these outputs mean the same",)


def _agree(expected: Outputs, name: str, actual: Outputs, own: str) -> bool:
    pairs = [(want.get(name), got.get(own)) for want, got in zip(expected, actual, strict=False)]
    return bool(pairs) and all(
        want is not None and got is not None and want.shape == got.shape and _near(want, got) for want, got in pairs
    )


def _near(want: Array, got: Array) -> bool:
    if want.dtype.kind not in "fc" or got.dtype.kind not in "fc":
        return want.dtype.kind == got.dtype.kind and np.array_equal(want, got)
    if not np.array_equal(np.isfinite(want), np.isfinite(got)):
        return False
    finite = np.isfinite(want)
    scale = np.abs(want[finite]).max(initial=0.0)
    return bool((np.abs(want[finite] - got[finite]) <= _NEAR * scale).all())
