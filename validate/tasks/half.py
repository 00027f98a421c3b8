"""Float16 as hardware computes it: each operator's result is rounded.

ONNX Runtime's CPU provider has few kernels for float16. It widens what it has none for, and keeps the wide values up to
the next operator: without this, what overflows elsewhere would never be seen here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import onnx
from onnx import TensorProto, helper

from ..noise.tensors import tensors_of
from ..onnx_graphs import all_graphs, inline_functions, subgraphs

if TYPE_CHECKING:
    from ..engines.base import Model

_WIDE = "/wide"


def rounded_model(model: Model) -> Model:
    """The model with every float16 result rounded, if it is ONNX. Raises PG301 where ONNX Runtime can't run that."""
    from ..engines.onnxruntime import OnnxModel

    return model.rebuilt(round_results) if isinstance(model, OnnxModel) else model


def round_results(model: onnx.ModelProto) -> onnx.ModelProto:
    """Each operator on float16 computes in float32, in place, and its results are cast back to float16."""
    model = inline_functions(model)
    dtypes = tensors_of(model).dtypes
    widened = {name for name, dtype in dtypes.items() if dtype == TensorProto.FLOAT16}
    for graph in all_graphs(model.graph):
        nodes = [each for node in graph.node for each in _explicit(node, widened)]
        del graph.node[:], graph.value_info[:]
        graph.node.extend(nodes)
    return model


def _explicit(node: onnx.NodeProto, halves: set[str]) -> list[onnx.NodeProto]:
    reads, gives = ([n for n, name in enumerate(names) if name in halves] for names in (node.input, node.output))
    if not reads or not gives or subgraphs(node) or node.op_type in ("Cast", "CastLike"):
        return [node]
    before = [_cast(node.input[n], f"{node.output[0]}{_WIDE}/{n}", TensorProto.FLOAT) for n in reads]
    after = [_cast(node.output[n] + _WIDE, node.output[n], TensorProto.FLOAT16) for n in gives]
    for n, cast in zip(reads, before, strict=True):
        node.input[n] = cast.output[0]
    for n in gives:
        node.output[n] += _WIDE
    return [*before, node, *after]


def _cast(source: str, name: str, dtype: int) -> Any:
    return helper.make_node("Cast", [source], [name], name=f"{name}/cast", to=dtype)
