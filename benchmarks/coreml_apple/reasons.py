"""Why tests fail: a gap of the engine, or proof that no engine could meet the expectation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

FEW_STEPS = 4.0
FLOAT16 = (
    "The program computes in float16, but the test applies float32's tolerance (1e-4 + 1e-5 * |x|). The spacing of "
    "float16 numbers is 1e-3 * |x|. "
    f"None of these is off by more than {FEW_STEPS:g} steps of float16 at its greatest number."
)
UNEXPLAINED = "Not explained yet."


@dataclass(frozen=True, slots=True)
class Reason:
    """Applies to failures whose test id and message match."""

    test: str
    why: str
    message: str = ""

    def holds(self, row: dict[str, Any]) -> bool:
        return bool(re.search(self.test, row["id"]) and re.search(self.message, row.get("reason", "")))


REASONS = (
    Reason(
        r"test_dead_layer_partial_branch|test_move_transpose_before_subblock",
        "A gap of this engine: a branch's condition has more than one element; Apple's framework uses one of them.",
    ),
    Reason(
        r"test_tf2keras_(outofbound_range_dim|enumerated_shapes)",
        "The engine rejects a shape that the model doesn't allow, as the test expects; the test looks for Apple's "
        "message.",
    ),
    Reason(
        r"TestSeparableConv::test_separable_conv",
        "The test predicts and then skips itself: neural networks have no such convolution.",
        message="Skipped",
    ),
    Reason(
        r"test_multi_functions_backward_compatibility",
        "The test expects Apple's compiler to reject a program with several functions for an older deployment target.",
    ),
    Reason(
        r"test_image_resizing\.py::TestResample",
        "The test counts the casts of a float16 program in a float32 one as well.",
        message=r"assert 0 ==",
    ),
    Reason(
        r"test_image_resizing\.py::TestResample.*float16",
        "The coordinates are given in float16, the expected values are those of the same coordinates in float32: "
        "1.2 is 1.2002 in float16, which makes 36.309 of 36.3.",
    ),
    Reason(
        r"test_image_resizing\.py::TestCropResize",
        "The pixel at row 1.5 and column 0.9 of 1 + 4 * row + column is 7.9; the test expects 7.899.",
    ),
    Reason(
        r"TestScatter\w*::test_ios17_invalid_indices",
        "Indices out of bounds without `validate_indices`: the test expects any numbers except the correct ones; this "
        "engine raises an error (docs/coreml-engine.md).",
    ),
    Reason(
        r"TestNormalizationLocalResponseNorm::test_builder_to_backend_smoke",
        "The operator's documentation counts the channels along axis 1; for the array (1, 3, 2) the test expects each "
        "number divided by itself alone, which is axis 0.",
    ),
    Reason(
        r"TestConstexprSparseToDense::test_builder_to_backend_stress.*fp16",
        "The test adds in float16 what its program adds in float32.",
    ),
    Reason(
        r"TestLinear::test_linear_fp16.*'fp32'",
        "A float16 module is converted to a float32 program, its float16 results are judged by float32's tolerance.",
    ),
    Reason(
        r"TestGather::test_gather_nd_int16_indices.*'fp32'",
        "The prediction agrees. The test then looks for int16 indices, which only float16 programs have.",
    ),
    Reason(
        r"test_torch_conversion_api\.py|test_inputs_outputs_shape\.py",
        "The engine rejects a shape that the model doesn't allow, as the test expects; the test looks for Apple's "
        "message.",
        message=r"Regex pattern did not match.*PG204",
    ),
    Reason(
        r"TestExecuTorchExamples",
        "The predictions agree; the test then compares PyTorch's source locations for debugging, of which current "
        "versions have more.",
        message=r"assert 'File ",
    ),
    Reason(
        r"frontend/torch/test",
        "Current PyTorch can't export one of the test's modules; the others were predicted before.",
        message=r"^torch\.|^AssertionError: .*torch\._",
    ),
    Reason(r"test/ml_program", "The test reads files that Apple's compiler writes.", message=r"model\.mil"),
    Reason(r".", "It exceeds the time limit of a test.", message=r"TooSlow"),
    Reason(
        r"test_custom_neural_nets\.py.*test_fixed_seq_len",
        "A gap of this engine: the network accepts sequences of 15 only, but doesn't declare it. It is lowered first "
        "for the declared input, a sequence of 1, which it can't process.",
    ),
)  # fmt: skip


def reason(row: dict[str, Any]) -> str:
    """Why the test of ``row`` fails."""
    known = next((r.why for r in REASONS if r.holds(row)), None)
    if known:
        return known
    judged_as_float32 = re.search(r"'fp32'", row["id"])
    near = row.get("far") is not None and row["far"] <= FEW_STEPS
    return FLOAT16 if row["float16"] and judged_as_float32 and near else UNEXPLAINED
