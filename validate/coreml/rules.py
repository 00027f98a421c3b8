"""What the specifications ask of the operands of a layer or an operator, for messages about models that break it.

The sentences restate NeuralNetwork.proto and the documents of MIL's operators.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..errors import ParityGateError
from .errors import broken_lowering, contradicts, located
from .values import Shape

_JOINED = "all inputs must have the same rank, and the same lengths except along the axis that is joined"
_STACKED = "all inputs must have the same shape"
_BROADCAST = "the shapes must broadcast: counted from the last axis, lengths are equal or one of them is 1"
_CONDITION = "the condition must be a single element"
_PRODUCT = "the last axis of the first operand must be as long as the last but one of the second"
_CHANNELS = "the input must have the number of channels that the weights are for"
_REFLECTED = "reflection may add at most the length of the axis minus 1"
_RESHAPED = "the new shape must have as many elements as the input"
_INDEX = "every index must lie within the axis that it selects from"
_SPLIT = "the sizes of the parts must add up to the length of the axis"
_SQUEEZED = "an axis that is removed must have length 1"
_EXPANDED = "the input must broadcast to the target shape"
_TOP = "k must not exceed the length of the axis"

_KINDS = {
    _JOINED: ("concat", "concatND"),
    _STACKED: ("stack",),
    _BROADCAST: (
        *("add", "sub", "mul", "real_div", "floor_div", "mod", "pow", "maximum", "minimum", "select"),
        *("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"),
        *("logical_and", "logical_or", "logical_xor", "multiply", "max", "min", "average"),
        *("addBroadcastable", "subtractBroadcastable", "multiplyBroadcastable", "divideBroadcastable"),
        *("floorDivBroadcastable", "modBroadcastable", "powBroadcastable", "maxBroadcastable", "minBroadcastable"),
        *("whereBroadcastable", "equal", "notEqual", "lessThan", "lessEqual", "greaterThan", "greaterEqual"),
        *("logicalAnd", "logicalOr", "logicalXor"),
    ),
    _CONDITION: ("branch", "loop", "cond", "while_loop"),
    _PRODUCT: ("matmul", "batchedMatmul"),
    _CHANNELS: ("innerProduct", "convolution", "linear", "conv", "conv_transpose", "batch_norm", "batchnorm"),
    _REFLECTED: ("pad", "padding"),
    _RESHAPED: ("reshape", "reshapeStatic", "reshapeLike", "reshapeDynamic", "rankPreservingReshape"),
    _INDEX: (
        *("gather", "gather_nd", "gather_along_axis", "gatherND", "gatherAlongAxis", "embedding", "embeddingND"),
        *("scatter", "scatter_nd", "scatter_along_axis", "scatterND", "scatterAlongAxis"),
    ),
    _SPLIT: ("split", "splitND"),
    _SQUEEZED: ("squeeze",),
    _EXPANDED: ("broadcastToLike", "broadcastToStatic", "broadcastToDynamic"),
    _TOP: ("topk", "topK"),
}
RULES = {kind: rule for rule, kinds in _KINDS.items() for kind in kinds}
"""The rule by the kind of the layer or operator."""


def rule(scope: str) -> str | None:
    """The rule of the layer or operator ``kind:name``."""
    return RULES.get(scope.partition(":")[0])


def broken(scope: str, shapes: Sequence[Shape | None]) -> ParityGateError:
    """The error (PG404) for operands of ``shapes`` that break the rule of ``scope``."""
    return contradicts(scope, f"{_listed(shapes)}; {rule(scope) or 'it accepts none of that shape'}")


def rejected(scope: str, operator: str, shapes: Sequence[Shape | None], cause: str) -> ParityGateError:
    """The error for a node that ONNX rejects: PG404 where the layer has a rule, else PG405 for a faulty lowering."""
    wanted = rule(scope)
    if wanted is not None and wanted not in (_CONDITION, _REFLECTED):  # those are checked before a node is made
        return contradicts(scope, f"{_listed(shapes)}; {wanted} (ONNX rejects {operator}: {cause})")
    return broken_lowering(located(scope), f"ONNX rejects {operator} on {[str(s) for s in shapes]}: {cause}")


def located_failure(message: str) -> tuple[str, str] | None:
    """From ONNX Runtime's message: the layer or operator whose node failed, and the cause with the rule that it has."""
    found = re.search(r"Name:'(?P<scope>.*)/\w+' Status Message: (?P<cause>.*)", message, re.DOTALL)
    if found is None:
        return None
    scope, wanted = found["scope"], rule(found["scope"])
    asked = f" The format's rule for it: {wanted}." if wanted else ""
    return located(scope), f"ONNX Runtime failed: {found['cause']}{asked}"


def _listed(shapes: Sequence[Shape | None]) -> str:
    shown = [f"({', '.join('?' if d is None else str(d) for d in s)})" if s is not None else "unknown" for s in shapes]
    return (
        f"its operands have the shapes {', '.join(shown)}"
        if len(shown) > 1
        else f"its operand has the shape {shown[0]}"
    )
