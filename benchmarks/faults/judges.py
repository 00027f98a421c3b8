"""The judges: the comparison rules of other tools, applied to the same arrays as paritygate's.

A judge takes the reference's and the candidate's outputs of every sample, under the reference's names, and returns
whether it accepts. The conditions favour the other tools: outputs are bound by the converter, samples on which the
reference's own outputs are unstable are left out, and text, which they don't support, is compared for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Outputs = Sequence[Mapping[str, Array]]
Judge = Callable[[Outputs, Outputs], bool]

GATE = "paritygate"


def _without_text(expected: Outputs, actual: Outputs) -> tuple[bool, list[dict[str, Array]], list[dict[str, Array]]]:
    """Whether all text agrees, and the other outputs of both models."""
    pairs = zip(expected, actual, strict=True)
    agree = all(
        name in got and np.array_equal(array, got[name])
        for want, got in pairs
        for name, array in want.items()
        if array.dtype.kind == "U"
    )
    rest = [
        [{name: array for name, array in run.items() if array.dtype.kind != "U"} for run in outputs]
        for outputs in (expected, actual)
    ]
    return agree, rest[0], rest[1]


def _allclose(rtol: float, atol: float) -> Judge:
    """``numpy.allclose`` on each pair of outputs that both models have."""

    def accepts(expected: Outputs, actual: Outputs) -> bool:
        agree, wanted, given = _without_text(expected, actual)
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
    except (TypeError, ValueError):  # shapes that can't be broadcast: a script would stop with the error
        return False


def polygraphy(expected: Outputs, actual: Outputs) -> bool:
    """``Comparator.compare_accuracy`` with ``SimpleCompareFunc()``, all defaults: 1e-5 and 1e-5, element by element."""
    from polygraphy.comparator import Comparator, RunResults, SimpleCompareFunc
    from polygraphy.comparator.struct import IterationResult
    from polygraphy.exception import PolygraphyException
    from polygraphy.logger import G_LOGGER

    agree, *outputs = _without_text(expected, actual)
    runs = RunResults()
    for name, results in zip(("reference", "candidate"), outputs, strict=True):
        runs.append((name, [IterationResult(dict(run), runner_name=name) for run in results]))
    with G_LOGGER.verbosity(G_LOGGER.CRITICAL):
        try:
            return agree and bool(Comparator.compare_accuracy(runs, compare_func=SimpleCompareFunc()))
        except (PolygraphyException, TypeError, ValueError):
            return False


def optimum(expected: Outputs, actual: Outputs) -> bool:
    """The rule of ``optimum.exporters.onnx.convert.validate_model_outputs`` (optimum-onnx 0.1.0).

    The candidate's outputs must be among the reference's; the shapes of each pair must be equal, and ``np.allclose``
    must hold with atol 1e-5 (``ATOL_FOR_VALIDATION``, optimum 2.3.0) and numpy's default rtol of 1e-5. The function
    takes models and runs them itself, so its rule is reproduced here.
    """
    agree, wanted, given = _without_text(expected, actual)
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

    It is the function that ``torch.onnx.verification.verify`` of the TorchScript exporter calls;
    ``verify_onnx_program``, for the newer exporter, reports differences without a verdict.
    """
    from torch.onnx._internal.torchscript_exporter.verification import (
        VerificationOptions,
        _compare_onnx_pytorch_outputs_in_np,
    )

    agree, wanted, given = _without_text(expected, actual)
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


OTHER_TOOLS: dict[str, Judge] = {
    "numpy.allclose 1e-3, 1e-5": _allclose(1e-3, 1e-5),
    "numpy.allclose 1e-5, 1e-5": _allclose(1e-5, 1e-5),
    "Polygraphy simple": polygraphy,
    "Optimum": optimum,
    "torch.onnx.verification": torch,
}
