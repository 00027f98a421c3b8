"""Arrays of fitted estimators, whatever scikit-learn stores them in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


def dense(matrix: Any) -> npt.NDArray[np.float64]:
    """A dense or sparse matrix as a dense one, in double."""
    return np.asarray(matrix.toarray() if hasattr(matrix, "toarray") else matrix, np.float64)
