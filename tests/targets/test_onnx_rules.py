"""Each rule on ONNX files, with a model that passes it and one that doesn't, by what the targets' makers publish."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser

from paritygate.targets import check
from paritygate.targets.values import Answer, Verdict

R, S, X, U = Verdict.RUNS, Verdict.SLOWER, Verdict.REFUSED, Verdict.UNKNOWN


def save(folder: Path, body: str, opset: int = 17, ir: int = 8, ml: int = 3, **constants: np.ndarray) -> Path:
    head = f'<ir_version: {ir}, opset_import: ["" : {opset}, "ai.onnx.ml" : {ml}, "com.microsoft" : 1, "my.lib" : 1]>'
    model = parser.parse_model(f"{head} g {body}")
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    onnx.save(model, folder / "model.onnx")
    return folder / "model.onnx"


def answer(path: Path, target: str) -> Answer:
    return check(path, [target]).answers[0]


RELU = "(float[1,3] x) => (float[1,3] y) { y = Relu(x) }"
OPEN = "(float[n,3] x) => (float[n,3] y) { y = Relu(x) }"
CONV = "(float[1,3,8,8] x) => (float[1,4,6,6] y) { y = Conv(x, w) }"
CONV1D = "(float[1,3,8] x) => (float[1,4,6] y) { y = Conv(x, w) }"
LOOSE = "(float[1,3,8,8] x, float[4,3,3,3] w) => (float[1,4,6,6] y) { y = Conv(x, w) }"
W2, W1 = np.zeros((4, 3, 3, 3), np.float32), np.zeros((4, 3, 3), np.float32)
DFT = "(float[1,8,1] x) => (float[1,8,2] y) { y = DFT(x) }"
GRID = '(float[1,1,4,4] x, float[1,4,4,2] g) => (float[1,1,4,4] y) { y = GridSample<mode="bilinear">(x, g) }'
DOUBLE = "(double[1,3] x) => (double[1,3] y) { y = Elu(x) }"
HALF = "(float16[1,3] x) => (float16[1,3] y) { y = Elu(x) }"
MISH = "(float[1,3] x) => (float[1,3] y) { y = Mish(x) }"
OWN = "(float[1,3] x) => (float[1,3] y) { y = my.lib.Secret(x) }"
TREE = "(float[1,3] x) => (float[1,3] y) { y = ai.onnx.ml.Scaler<offset=[0.0], scale=[2.0]>(x) }"
BF16 = "(bfloat16[1,3] x) => (bfloat16[1,3] y) { y = Identity(x) }"
SPLIT = "(float[1,4] x) => (float[1,2] a, float[1,2] b) { a, b = Split<axis=1>(x) }"
MIX = "(float[1,3] x) => (float[1,3] y) { a = Relu(x) b = Erf(a) y = Relu(b) }"

CASES = [
    # ONNX Runtime's release notes and its registry of kernels: opset 17 since 1.12, IR 9 since 1.15
    (RELU, {"opset": 17}, {}, "onnxruntime@1.12", R, ""),
    (RELU, {"opset": 17}, {}, "onnxruntime@1.11", X, "opset"),
    (RELU, {"opset": 17, "ir": 9}, {}, "onnxruntime@1.14", X, "ir-version"),
    (RELU, {"opset": 17, "ir": 9}, {}, "onnxruntime@1.15", R, ""),
    (TREE, {"ml": 4}, {}, "onnxruntime@1.16", X, "opset"),
    (TREE, {"ml": 3}, {}, "onnxruntime@1.16", R, ""),
    (RELU, {"opset": 6}, {}, "onnxruntime@1.20", U, "opset-floor"),
    (RELU, {"opset": 12, "ir": 7, "ml": 2}, {}, "onnxruntime@1.5", U, "kernels"),
    (OWN, {}, {}, "onnxruntime@1.20", X, "custom-operators"),
    (DFT, {"opset": 17}, {}, "onnxruntime@1.20", R, ""),
    (GRID, {"opset": 20, "ir": 9}, {}, "onnxruntime@1.17", R, ""),
    (DOUBLE, {}, {}, "onnxruntime@1.20", X, "dtype"),  # Elu has a kernel for float only
    (HALF, {}, {}, "onnxruntime@1.20", R, ""),  # on the CPU float16 is computed in float
    (MISH, {"opset": 18}, {}, "onnxruntime@1.14", R, ""),  # ONNX defines Mish by other operators
    (MIX, {}, {}, "onnxruntime-cuda@1.20", R, ""),
    (HALF, {}, {}, "onnxruntime-directml@1.20", R, ""),
    (MIX, {}, {}, "onnxruntime-nnapi@1.31", S, "fallback"),  # NNAPI has no Erf
    (CONV, {}, {"w": W2}, "onnxruntime-nnapi@1.31", R, ""),
    (CONV1D, {}, {"w": W1}, "onnxruntime-nnapi@1.31", S, "fallback"),  # 2-D convolutions only
    (LOOSE, {}, {}, "onnxruntime-xnnpack@1.31", S, "fallback"),  # weights must be constant
    (BF16, {"ir": 8}, {}, "triton@24.05", X, "protocol"),  # the protocol carries no bfloat16 for ONNX models
    (RELU, {}, {}, "triton@24.05", R, ""),
    (RELU, {"opset": 12}, {}, "windows-ml@11", U, "operators"),
    (RELU, {"opset": 13}, {}, "windows-ml@11", X, "opset"),
    (RELU, {"opset": 17}, {}, "windows-ml@app-sdk-1.8", R, ""),
    (RELU, {"opset": 20, "ir": 9}, {}, "tensorrt@8.6", X, "opset"),
    (RELU, {"opset": 17}, {}, "tensorrt@8.6", R, ""),
    (RELU, {"opset": 17}, {}, "jetson@6.2", R, ""),
    (RELU, {"opset": 17}, {}, "jetson@7", U, "tensorrt"),
    (TREE, {}, {}, "openvino@2026.4", X, "operator"),
    (RELU, {"opset": 17}, {}, "openvino@2023.3", R, ""),
    (RELU, {"opset": 20, "ir": 9}, {}, "rknn", X, "opset"),
    (RELU, {}, {}, "rknn", R, ""),
    (MIX, {}, {}, "esp-dl", X, "operator"),
    (OPEN, {}, {}, "esp-dl", X, "static-shapes"),
    (RELU, {}, {}, "esp-dl", R, ""),
    (RELU, {"opset": 21, "ir": 9}, {}, "st-edge-ai", X, "opset"),
    (RELU, {}, {}, "st-edge-ai@2.2", R, ""),
    (RELU, {"opset": 6}, {}, "nxp-eiq", X, "opset"),
    (RELU, {}, {}, "mnn", R, ""),
    (OWN, {}, {}, "mnn", X, "operator"),
    (RELU, {}, {}, "tvm", R, ""),
    (OWN, {}, {}, "iree", X, "operator"),
    (RELU, {}, {}, "ncnn", R, ""),
    (SPLIT, {"opset": 11}, {}, "onnx-mlir", U, "condition"),  # "see source: shape limits"
    (RELU, {}, {}, "onnx-mlir", R, ""),
    (RELU, {}, {}, "hailo", U, "operators"),
    (RELU, {}, {}, "torchserve", U, "release"),
    (RELU, {"opset": 13}, {}, "sagemaker-neo", X, "opset"),
    (RELU, {}, {}, "ios@17", X, "format"),
    (RELU, {}, {}, "tflite", X, "format"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "header", "constants", "target", "verdict", "rule"), CASES)
def test_a_rule(tmp_path, body, header, constants, target, verdict, rule) -> None:
    found = answer(save(tmp_path, body, **header, **constants), target)
    assert found.verdict is verdict, found.reasons
    assert not rule or rule in {reason.rule for reason in found.reasons}


def test_every_refusal_names_its_nodes_and_its_source(tmp_path) -> None:
    found = answer(save(tmp_path, MIX), "esp-dl")
    (reason,) = [reason for reason in found.reasons if reason.rule == "operator"]
    assert reason.nodes == ("Erf_1 (Erf)",)
    assert reason.source is not None
    assert "esp-dl" in reason.source.reference


def test_all_takes_every_target_that_reads_such_files(tmp_path) -> None:
    names = {found.target for found in check(save(tmp_path, RELU), ["all"]).answers}
    assert {"onnxruntime-cpu", "tensorrt", "rknn", "triton"} <= names
    assert not {"ios", "tflite"} & names


def test_the_partitions_of_an_accelerator_are_counted(tmp_path) -> None:
    found = answer(save(tmp_path, MIX), "onnxruntime-nnapi").fallback
    assert found is not None
    assert (found.accelerated, found.total, found.partitions) == (2, 3, 2)


def test_weights_memory_and_multiplications_are_counted(tmp_path) -> None:
    """One convolution: 4*3*3*3 weights, input and output alive together, 4*6*6 outputs of 27 products each."""
    footprint = check(save(tmp_path, CONV, w=W2), ["mnn"]).footprint
    assert footprint.weights == {"float": 432}
    assert footprint.activations == 4 * (3 * 64 + 4 * 36)
    assert footprint.macs == 4 * 36 * 27
