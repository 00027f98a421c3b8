"""Gemm as a product and a sum, for quantisers that know only products."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import helper, numpy_helper


def gemms_as_products(graph: onnx.GraphProto) -> None:
    """Replace, in place, each Gemm whose factor is 1 and whose weights are constant: y = x W + b."""
    weights = {tensor.name: tensor for tensor in graph.initializer}
    nodes = [each for node in graph.node for each in _product(graph, node, weights)]
    del graph.node[:]
    graph.node.extend(nodes)


def _product(
    graph: onnx.GraphProto, node: onnx.NodeProto, weights: dict[str, onnx.TensorProto]
) -> Iterator[onnx.NodeProto]:
    given = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    plain = given.get("alpha", 1) == given.get("beta", 1) == 1 and not given.get("transA", 0)
    if node.op_type != "Gemm" or not plain or node.input[1] not in weights:
        yield node
        return
    weight = node.input[1]
    if given.get("transB", 0):
        weight = f"{node.input[1]}/transposed"
        if weight not in weights:
            turned = np.ascontiguousarray(numpy_helper.to_array(weights[node.input[1]]).T)
            weights[weight] = numpy_helper.from_array(turned, weight)
            graph.initializer.append(weights[weight])
    biased = len(node.input) > 2 and bool(node.input[2])
    product = f"{node.output[0]}/product" if biased else node.output[0]
    yield helper.make_node("MatMul", [node.input[0], weight], [product], name=node.name)
    if biased:
        yield helper.make_node("Add", [product, node.input[2]], [node.output[0]], name=f"{node.name}/bias")
