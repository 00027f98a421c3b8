"""Attention masks of truth values in exported graphs.

PyTorch gives 0 for a query that may attend to nothing. Below opset 23 its exporter guards against the NaN of such a
row, but masks by the lowest finite number, which gives none: the row attends to everything instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import onnx_ir as ir


def mask_by_infinity(model: ir.Model) -> None:
    """Put -inf in place of the lowest number of each mask before a Softmax that is guarded by IsNaN, in place."""
    for guard in model.graph:
        softmax = _before(guard, "IsNaN", 0)
        added = _before(softmax, "Softmax", 0)
        for number in range(2):
            mask = _before(added, "Add", number)
            if mask is not None and mask.op_type == "Where" and _is_lowest(mask.inputs[2]):
                _mask(model, mask)


def _before(node: ir.Node | None, kind: str, number: int) -> ir.Node | None:
    """The node that makes one input of ``node``; None if ``node`` isn't of the kind."""
    value = node.inputs[number] if node is not None and node.op_type == kind else None
    return None if value is None else value.producer()


def _is_lowest(value: ir.Value | None) -> bool:
    array = None if value is None or value.const_value is None else value.const_value.numpy()
    return array is not None and array.size == 1 and bool(array.reshape(-1)[0] == np.finfo(array.dtype).min)


def _mask(model: ir.Model, mask: ir.Node) -> None:
    import onnx_ir as ir

    lowest = mask.inputs[2]
    assert lowest is not None  # the caller has looked at its value
    assert lowest.const_value is not None
    name = f"{lowest.name}.masked"
    if name not in model.graph.initializers:
        array = np.full_like(lowest.const_value.numpy(), -np.inf)
        tensor, shape = ir.tensor(array, name=name), ir.Shape(array.shape)
        kind = ir.TensorType(tensor.dtype)
        model.graph.register_initializer(ir.Value(name=name, shape=shape, type=kind, const_value=tensor))
    mask.replace_input_with(2, model.graph.initializers[name])
