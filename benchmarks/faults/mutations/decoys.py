"""A small fault in the weights, together with something harmless that could make a judge measure less sharply."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ..graphs import Mutant, Mutation
from .weights import scaled

Decoy = Callable[[onnx.ModelProto], str]
_SHARE = 1e-3


def _unused_float16(model: onnx.ModelProto) -> str:
    model.graph.initializer.append(numpy_helper.from_array(np.ones(4, np.float16), "decoy"))
    return "an unused float16 initializer"


def _dead_float16_branch(model: onnx.ModelProto) -> str:
    model.graph.initializer.append(numpy_helper.from_array(np.ones(4, np.float16), "decoy"))
    model.graph.node.append(helper.make_node("Exp", ["decoy"], ["decoy__exp"]))
    return "a float16 operator that leads to no output"


def _empty_tensor(model: onnx.ModelProto) -> str:
    model.graph.initializer.append(numpy_helper.from_array(np.ones((0, 4), np.float32), "decoy"))
    model.graph.node.append(helper.make_node("Exp", ["decoy"], ["decoy__exp"]))
    return "a tensor without elements"


def _dead_random(model: onnx.ModelProto) -> str:
    node = helper.make_node("RandomNormal", [], ["decoy"], shape=[4], dtype=TensorProto.FLOAT)
    model.graph.node.append(node)
    return "a random operator that leads to no output"


def _with(decoy: Decoy, model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    for mutant in scaled(_SHARE, model, rng):
        yield replace(mutant, change=f"{mutant.change}, with {decoy(mutant.model)}")


TABLE: dict[str, Mutation] = {
    "scaled, with an unused float16 initializer": partial(_with, _unused_float16),
    "scaled, with a dead float16 operator": partial(_with, _dead_float16_branch),
    "scaled, with an empty tensor": partial(_with, _empty_tensor),
    "scaled, with a dead random operator": partial(_with, _dead_random),
}
