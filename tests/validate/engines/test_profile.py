"""What ``inspect`` tells of weights and costs; PyTorch's own counter of operations is the source for multiply-adds."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from torch.utils.flop_counter import FlopCounterMode

from paritygate.validate import inspect
from paritygate.validate.engines.base import bytes_of
from paritygate.validate.engines.onnx_profile import profile_of

BATCH = 1
NETWORKS = {
    "conv": (torch.nn.Conv2d(4, 6, 3, groups=2, stride=2, padding=1), (4, 9, 9)),
    "transposed": (torch.nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2), (4, 5, 5)),
    "linear": (torch.nn.Linear(5, 7), (5,)),
    "matmul": (torch.nn.Linear(5, 7, bias=False), (3, 5)),
    "mixed": (
        torch.nn.Sequential(torch.nn.Conv1d(2, 3, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(24, 4)),
        (2, 10),
    ),
}


def exported(name: str) -> tuple[onnx.ModelProto, torch.nn.Module, torch.Tensor]:
    module, shape = NETWORKS[name]
    sample = torch.zeros(BATCH, *shape)
    axes = ({0: torch.export.Dim("n")},)
    program = torch.onnx.export(
        module.eval(), (torch.zeros(2, *shape),), dynamo=True, dynamic_shapes=axes, verbose=False
    )
    return program.model_proto, module, sample


@pytest.mark.parametrize("name", NETWORKS)
def test_multiply_adds_are_half_of_pytorchs_operations(name: str) -> None:
    model, module, sample = exported(name)
    with FlopCounterMode(display=False) as counter:
        module(sample)
    assert profile_of(model).macs == counter.get_total_flops() // 2


def test_weights_are_grouped_by_dtype() -> None:
    model, module, _ = exported("mixed")
    (group, *_) = profile_of(model).weights
    count = sum(parameter.numel() for parameter in module.parameters())
    assert (group.dtype, group.count, group.bytes) == ("float", count, 4 * count)


def chain(shape: list[int | str]) -> onnx.ModelProto:
    """x -> a -> b -> y, and x is read again at the end."""
    nodes = [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("Concat", ["a", "a"], ["b"], axis=1),
        helper.make_node("ReduceSum", ["b"], ["c"], keepdims=0),
        helper.make_node("Add", ["x", "c"], ["y"]),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in "xy"]
    graph = helper.make_graph(nodes, "chain", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    helper.set_model_props(model, {"author": "somebody"})
    return model


def test_the_peak_is_what_lives_at_once() -> None:
    model = chain(["n", 10])
    values = ReferenceEvaluator(model).run(None, {"x": np.zeros((1, 10), np.float32)})
    assert values[0].shape == (1, 10)
    assert profile_of(model).activation_bytes == 4 * (10 + 10 + 20), "x, a and b while b is computed"


def test_nothing_is_said_where_a_length_is_open() -> None:
    profile = profile_of(chain(["n", "m"]))
    assert (profile.activation_bytes, profile.ir_version, profile.metadata) == (None, 9, {"author": "somebody"})


def test_quantised_operators_are_counted() -> None:
    model = chain(["n", 10])
    scale = numpy_helper.from_array(np.array(0.1, np.float32), "s")
    model.graph.initializer.append(scale)
    model.graph.node.insert(0, helper.make_node("QuantizeLinear", ["x", "s"], ["q"]))
    model.graph.node.insert(1, helper.make_node("DequantizeLinear", ["q", "s"], ["d"]))
    assert profile_of(model).quantised == "QuantizeLinear 1, DequantizeLinear 1"


@pytest.mark.parametrize(
    ("dtype", "count", "expected"),
    [
        *(("float", 3, 12), ("float16", 3, 6), ("double", 2, 16), ("int4", 3, 2), ("uint8", 3, 3), ("bool", 3, 3)),
        *(("float8e4m3fn", 3, 3), ("bfloat16", 2, 4), ("string", 5, 0), ("complex64", 1, 8)),
    ],
)
def test_bytes_follow_from_the_dtype(dtype: str, count: int, expected: int) -> None:
    assert bytes_of(dtype, count) == expected


def test_inspect_prints_nothing_unknown(tmp_path: Path) -> None:
    model = chain(["n", "m"])
    model.producer_name, model.producer_version = "maker", "None"
    onnx.save(model, tmp_path / "m.onnx")
    command = [sys.executable, "-m", "paritygate.cli", "inspect", str(tmp_path / "m.onnx")]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "None" not in shown
    assert {line.split()[0] for line in shown.splitlines()} == {
        "format", "producer", "opset", "IR", "metadata", "input", "output", "operators", "parameters", "MACs",
        "size", "sha256",
    }  # fmt: skip


def test_an_exported_program_tells_its_weights() -> None:
    program = torch.export.export(torch.nn.Linear(3, 2), (torch.zeros(1, 3),))
    (group,) = inspect(program).profile.weights
    assert dataclasses.astuple(group) == ("float32", 8, 32)


def test_a_live_module_tells_its_layers() -> None:
    module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU()).half()
    profile = inspect(module.float(), example={"input": np.zeros((1, 3), np.float32)}).profile
    assert [dataclasses.astuple(layer) for layer in profile.layers] == [("0", "Linear", 8), ("1", "ReLU", 0)]
    assert [dataclasses.astuple(group) for group in profile.weights] == [("float32", 8, 32)]
