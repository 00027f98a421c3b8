"""The user's arrays, checked against the signature and cast where the model needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .types import Samples

if TYPE_CHECKING:
    from ..signature import Signature


def fit_to(samples: Samples, signature: Signature, *, keep_width: bool = False) -> Samples:
    """Check names, ranks, shapes and values against ``signature`` and cast to its dtypes.

    An array whose dtype the input has, or lists in ``accepts``, is passed on as it is. With ``keep_width`` so is
    every floating array for a floating input: scikit-learn computes in the width that it is fed, and must see the
    user's own numbers. Everything else is cast once, here, so that both models get the same bytes; rounding is
    noted, and a cast that would change a value's meaning (fractions or NaN to integers, overflow) is refused.

    Raises ParityGateError PG204.
    """
    raise NotImplementedError
