"""PyTorch operators that coremltools' frontend lacks, or knows only under TorchScript's name."""

from __future__ import annotations

from contextlib import AbstractContextManager
from copy import copy
from typing import Any

from ..coreml.extend import Translation, extended

ALIASES = {"lstm.input": "lstm", "__and__": "and"}
"""Operator names of exported programs -> TorchScript's names of the same operators."""


def _recurrent(name: str) -> Translation:
    """TorchScript's translation names the two results separately; an exported program has one tuple of them."""

    def translate(context: Any, node: Any) -> None:
        from coremltools.converters.mil.frontend.torch.torch_op_registry import _TORCH_OPS_REGISTRY

        separate = copy(node)
        separate.outputs = [f"{node.name}_{index}" for index in range(2)]
        _TORCH_OPS_REGISTRY.get_func(name)(context, separate)
        context.add(tuple(context[output] for output in separate.outputs), node.name)

    return translate


def _logical_or(context: Any, node: Any) -> None:
    from coremltools.converters.mil.frontend.torch import ops
    from coremltools.converters.mil.mil import Builder, types

    x, y = ops._get_inputs(context, node, expected=2)
    if types.bool not in (x.dtype, y.dtype):
        raise NotImplementedError(f"Unsupported fx node {node.name}, kind {node.kind} of integers")
    context.add(Builder.logical_or(x=x, y=y, name=node.name))


def _new_ones(context: Any, node: Any) -> None:
    """A tensor of ones with the given shape; the dtype is that of the first operand unless the call names one."""
    from coremltools.converters.mil.frontend.torch import ops
    from coremltools.converters.mil.mil import Builder
    from coremltools.converters.mil.mil.types import builtin_to_string

    like, shape = ops._get_inputs(context, node)[:2]
    if isinstance(shape, list):
        shape = Builder.concat(values=shape, axis=0)
    number = ops._get_kwinputs(context, node, "dtype", default=[None])[0]
    dtype = builtin_to_string(like.dtype) if number is None else ops.NUM_TO_DTYPE_STRING[number.val]
    ones = 1.0 if shape.shape == (0,) else Builder.fill(shape=shape, value=1.0)
    context.add(Builder.cast(x=ones, dtype=dtype, name=node.name))


def _gelu(context: Any, node: Any) -> None:
    """coremltools 9 reads ``approximate`` only as the second operand, and ignores it in an exported program."""
    from coremltools.converters.mil.frontend.torch import ops
    from coremltools.converters.mil.mil import Builder

    x, *operands = ops._get_inputs(context, node)
    (approximate,) = operands or ops._get_kwinputs(context, node, "approximate", default=[None])
    tanh = approximate is not None and getattr(approximate, "val", approximate) == "tanh"
    mode = "TANH_APPROXIMATION" if tanh else "EXACT"
    context.add(Builder.gelu(x=x, mode=mode, name=node.name))


def _attention(context: Any, node: Any) -> None:
    """coremltools masks by -30,000; where all of a row is masked, that leaves its scores, and PyTorch gives 0."""
    from coremltools.converters.mil.frontend.torch import ops
    from coremltools.converters.mil.mil import Builder, types

    inputs = ops._get_inputs(context, node)
    mask = inputs[3] if len(inputs) > 3 else ops._get_kwinputs(context, node, "attn_mask", default=[None])[0]
    if mask is None or mask.dtype != types.bool:
        ops.scaled_dot_product_attention(context, node)
        return
    inner = copy(node)
    inner.name, inner.outputs = f"{node.name}_masked", [f"{node.outputs[0]}_masked"]
    ops.scaled_dot_product_attention(context, inner)
    seen = Builder.reduce_max(x=Builder.cast(x=mask, dtype="int32"), axes=[-1], keep_dims=True)
    result = context[inner.name]
    zero = 0.0 if result.dtype == types.fp32 else types.nptype_from_builtin(result.dtype)(0)
    context.add(Builder.select(cond=Builder.cast(x=seen, dtype="bool"), a=result, b=zero, name=node.name))


OPERATORS: dict[str, Translation] = {
    "scaled_dot_product_attention": _attention,
    "gelu": _gelu,
    "new_ones": _new_ones,
    **dict.fromkeys(("__or__", "bitwise_or"), _logical_or),
    **{f"{name}.input": _recurrent(name) for name in ("gru", "rnn_tanh", "rnn_relu")},
}


def known_operators() -> AbstractContextManager[None]:
    """Register these operators with coremltools' frontend for the length of the block."""
    from coremltools.converters.mil.frontend.torch.torch_op_registry import _TORCH_OPS_REGISTRY

    known = _TORCH_OPS_REGISTRY.name_to_func_mapping
    return extended(known, OPERATORS | {alias: known[name] for alias, name in ALIASES.items()})
