"""What is judged, by whom: the rivals' rules on the very same arrays.

A judge takes the reference's and the candidate's outputs of every sample, under the reference's names, and says whether
it accepts. Rivals get their best case: outputs are bound by the converter, samples that the reference has no settled
answer for are left out, and text, which they know nothing of, is compared for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Outputs = Sequence[Mapping[str, Array]]
Judge = Callable[[Outputs, Outputs], bool]

GATE = "paritygate"


def _texts_apart(expected: Outputs, actual: Outputs) -> tuple[bool, list[dict[str, Array]], list[dict[str, Array]]]:
    """Whether all text agrees, and both sides without it."""
    pairs = zip(expected, actual, strict=True)
    agree = all(
        name in got and np.array_equal(array, got[name])
        for want, got in pairs
        for name, array in want.items()
        if array.dtype.kind == "U"
    )
    rest = [
        [{name: array for name, array in run.items() if array.dtype.kind != "U"} for run in side]
        for side in (expected, actual)
    ]
    return agree, rest[0], rest[1]


def _allclose(rtol: float, atol: float) -> Judge:
    """``numpy.allclose`` on each pair, in a loop that ends with the shorter side, as ``zip`` has it."""

    def accepts(expected: Outputs, actual: Outputs) -> bool:
        agree, wanted, given = _texts_apart(expected, actual)
        return agree and all(
            _close(want[name], got[name], rtol, atol)
            for want, got in zip(wanted, given, strict=True)
            for name in want
            if name in got
        )

    return accepts


def _close(want: Array, got: Array, rtol: float, atol: float) -> bool:
    try:
        return bool(np.allclose(got, want, rtol=rtol, atol=atol))
    except (TypeError, ValueError):  # shapes that can't be broadcast: the loop would end with the error
        return False


def polygraphy(expected: Outputs, actual: Outputs) -> bool:
    """``Comparator.compare_accuracy`` with ``SimpleCompareFunc()``, all defaults: 1e-5 and 1e-5, element by element."""
    from polygraphy.comparator import Comparator, RunResults, SimpleCompareFunc
    from polygraphy.comparator.struct import IterationResult
    from polygraphy.exception import PolygraphyException
    from polygraphy.logger import G_LOGGER

    agree, *sides = _texts_apart(expected, actual)
    runs = RunResults()
    for name, side in zip(("reference", "candidate"), sides, strict=True):
        runs.append((name, [IterationResult(dict(run), runner_name=name) for run in side]))
    with G_LOGGER.verbosity(G_LOGGER.CRITICAL):
        try:
            return agree and bool(Comparator.compare_accuracy(runs, compare_func=SimpleCompareFunc()))
        except (PolygraphyException, TypeError, ValueError):
            return False


def optimum(expected: Outputs, actual: Outputs) -> bool:
    """The rule of ``optimum.exporters.onnx.convert.validate_model_outputs`` (optimum-onnx 0.1.0).

    The candidate's outputs must be among the reference's; of each pair shapes must be equal and ``np.allclose`` hold
    with atol 1e-5 (``ATOL_FOR_VALIDATION``, optimum 2.3.0) and numpy's own rtol of 1e-5. It is called with models and
    runs them itself, so the rule is written down here.
    """
    agree, wanted, given = _texts_apart(expected, actual)
    for want, got in zip(wanted, given, strict=True):
        if not set(got) <= set(want):
            return False
        if any(
            array.shape != want[name].shape or not _close(array, want[name], 1e-5, 1e-5) for name, array in got.items()
        ):
            return False
    return agree


def torch(expected: Outputs, actual: Outputs) -> bool:
    """torch.onnx's own comparison of outputs, with the defaults of its ``VerificationOptions`` (1e-3, 1e-7).

    It is the function behind ``torch.onnx.verification.verify`` of the TorchScript exporter; ``verify_onnx_program``,
    which is for the newer one, reports differences and gives no verdict.
    """
    from torch.onnx._internal.torchscript_exporter.verification import (
        VerificationOptions,
        _compare_onnx_pytorch_outputs_in_np,
    )

    agree, wanted, given = _texts_apart(expected, actual)
    for want, got in zip(wanted, given, strict=True):
        names = [name for name in want if name in got]
        extra = [got[name] for name in got if name not in want]
        try:
            _compare_onnx_pytorch_outputs_in_np(
                [*(got[name] for name in names), *extra],
                [*(want[name] for name in names), *(want[name] for name in want if name not in got)],
                VerificationOptions(),
            )
        except (AssertionError, TypeError, ValueError):
            return False
    return agree


RIVALS: dict[str, Judge] = {
    "numpy.allclose 1e-3, 1e-5": _allclose(1e-3, 1e-5),
    "numpy.allclose 1e-5, 1e-5": _allclose(1e-5, 1e-5),
    "Polygraphy simple": polygraphy,
    "Optimum": optimum,
    "torch.onnx.verification": torch,
}
