"""A small fault in the weights, beside something harmless that could make a judge measure less sharply."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ..graphs import Mutant, Mutation
from .weights import scaled

Alibi = Callable[[onnx.ModelProto], str]
_SHARE = 1e-3


def _unused_float16(model: onnx.ModelProto) -> str:
    model.graph.initializer.append(numpy_helper.from_array(np.ones(4, np.float16), "alibi"))
    return "an unused float16 initializer"


def _dead_float16_branch(model: onnx.ModelProto) -> str:
    model.graph.initializer.append(numpy_helper.from_array(np.ones(4, np.float16), "alibi"))
    model.graph.node.append(helper.make_node("Exp", ["alibi"], ["alibi__exp"]))
    return "a float16 operator that leads to no output"


def _empty_tensor(model: onnx.ModelProto) -> str:
    model.graph.initializer.append(numpy_helper.from_array(np.ones((0, 4), np.float32), "alibi"))
    model.graph.node.append(helper.make_node("Exp", ["alibi"], ["alibi__exp"]))
    return "a tensor without elements"


def _dead_random(model: onnx.ModelProto) -> str:
    node = helper.make_node("RandomNormal", [], ["alibi"], shape=[4], dtype=TensorProto.FLOAT)
    model.graph.node.append(node)
    return "a random operator that leads to no output"


def _beside(alibi: Alibi, model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    for mutant in scaled(_SHARE, model, rng):
        yield replace(mutant, change=f"{mutant.change}, beside {alibi(mutant.model)}")


TABLE: dict[str, Mutation] = {
    "scaled beside an unused float16 initializer": partial(_beside, _unused_float16),
    "scaled beside a dead float16 operator": partial(_beside, _dead_float16_branch),
    "scaled beside an empty tensor": partial(_beside, _empty_tensor),
    "scaled beside a dead random operator": partial(_beside, _dead_random),
}
