"""Conditions of operator lists, as far as a file can tell whether they hold.

The lists write them in words. What isn't in the table can't be decided here and leaves the answer open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..model import ModelFacts, Node

Holds = Callable[[Node, ModelFacts], bool | None]
"""True or False where the file tells, None where it doesn't."""


def holds(text: str, node: Node, model: ModelFacts) -> bool | None:
    """Whether a node meets a condition."""
    check = _TABLE.get(text)
    return check(node, model) if check else None


def _rank(node: Node, model: ModelFacts, input: int = 0) -> int | None:
    return model.tensor(node.inputs[input]).rank if len(node.inputs) > input else None


def _ranks(*allowed: int, input: int = 0) -> Holds:
    def check(node: Node, model: ModelFacts) -> bool | None:
        rank = _rank(node, model, input)
        return None if rank is None else rank in allowed

    return check


def _constant(*inputs: int) -> Holds:
    """These inputs, where they are given, are constants; what was an attribute is one."""

    def check(node: Node, model: ModelFacts) -> bool | None:
        given = [node.inputs[number] for number in inputs if number < len(node.inputs) and node.inputs[number]]
        return all(name in model.constants for name in given)

    return check


def _attribute(name: str, default: object, *allowed: object) -> Holds:
    return lambda node, model: node.attributes.get(name, default) in allowed


def _types(*allowed: str) -> Holds:
    return lambda node, model: all(dtype in allowed for dtype in node.types.values()) if node.types else None


def _not_types(*refused: str) -> Holds:
    return lambda node, model: not any(dtype in refused for dtype in node.types.values()) if node.types else None


def _static(node: Node, model: ModelFacts) -> bool | None:
    shapes = [model.tensor(name).shape for name in node.inputs if name]
    return all(shape is not None and None not in shape for shape in shapes) and not model.open_inputs


def _all_ones(name: str) -> Holds:
    return lambda node, model: all(number == 1 for number in node.attributes.get(name) or ())


def _axes_constant(node: Node, model: ModelFacts) -> bool | None:
    """Squeeze, Unsqueeze and reductions: the axes are the second input, or an attribute."""
    return _constant(1)(node, model)


def _one_output(node: Node, model: ModelFacts) -> bool | None:
    return sum(map(bool, node.outputs)) == 1


def _grouped_or_depthwise(node: Node, model: ModelFacts) -> bool | None:
    group, weight = node.attributes.get("group", 1), model.tensor(node.inputs[1]).shape
    return group == 1 or (None if not weight else weight[0] == group and weight[1] == 1)


def _equal_splits(node: Node, model: ModelFacts) -> bool | None:
    return (len(node.inputs) < 2 and "split" not in node.attributes) or None


def _batch_one(node: Node, model: ModelFacts) -> bool | None:
    shape = model.tensor(node.inputs[0]).shape
    return None if not shape or model.open_inputs else shape[0] == 1


def _last_axis(node: Node, model: ModelFacts) -> bool | None:
    axis, rank = node.attributes.get("axis", -1), _rank(node, model)
    return True if axis == -1 else None if rank is None else axis == rank - 1


_SINCE_1_18 = (
    "3-D from ORT 1.18",
    "float16 from ORT 1.18",
    "float16 and int32 from ORT 1.18",
    "16-bit integers",
)
"""The releases that these lists are asked for are newer."""

_SMALL = ("int8", "uint8", "int16", "uint16")
_UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
_FLOATS = ("float", "float16", "double", "bfloat16")

_TABLE: Mapping[str, Holds] = {
    "2-D pooling only": _ranks(4),
    "2-D pooling": _ranks(4),
    "2-D or 3-D pooling": _ranks(4, 5),
    "2-D convolution only": _ranks(4),
    "2-D only": _ranks(4),
    "2-D kernel": _ranks(4),
    "1-D and 2-D convolution only": _ranks(3, 4),
    "1-D or 2-D": _ranks(3, 4),
    "2-D or 3-D convolution": _ranks(4, 5),
    "2-D and 3-D": _ranks(4, 5),
    "3-D or 4-D input and weight": _ranks(3, 4),
    "4-D input": _ranks(4),
    "2-D input": _ranks(2),
    "no 3-D": lambda node, model: None if (rank := _rank(node, model)) is None else rank != 5,
    "2-D resize only": _ranks(4),
    "at most 4-D": _ranks(*range(5)),
    "rank at most 5": _ranks(*range(6)),
    "static shapes": _static,
    "batch 1": _batch_one,
    "weight and bias constant": _constant(1, 2),
    "constant weights": _constant(1, 2),
    "W constant": _constant(1),
    "bias constant": _constant(2),
    "B constant": _constant(1),
    "B and zero points constant": _constant(1, 2, 3),
    "B constant or transB=1": lambda node, model: bool(node.attributes.get("transB")) or _constant(1)(node, model),
    "axes constant": _axes_constant,
    "constant axes": _axes_constant,
    "axis constant": _constant(1),
    "shape constant": _constant(1),
    "repeats constant": _constant(1),
    "k constant": _constant(1),
    "K constant": _constant(1),
    "slope constant": _constant(1),
    "split constant": _constant(1),
    "equal splits only": _equal_splits,
    "starts, ends, axes, steps constant": _constant(1, 2, 3, 4),
    "scales or sizes constant": _constant(2, 3),
    "pads and constant_value constant": _constant(1, 2),
    "scales and zero points constant": _constant(*range(1, 8)),
    "constant input": _constant(0),
    "p=2": _attribute("p", 2, 2),
    "layout=0": _attribute("layout", 0, 0),
    "training_mode=0": _attribute("training_mode", 0, 0),
    "batch_dims=0": _attribute("batch_dims", 0, 0),
    "exclude_outside=0": _attribute("exclude_outside", 0, 0),
    "antialias=0": _attribute("antialias", 0, 0),
    "storage_order=0": _attribute("storage_order", 0, 0),
    "input_forget=0": _attribute("input_forget", 0, 0),
    "fmod=1": _attribute("fmod", 0, 1),
    "sorted=1": _attribute("sorted", 1, 1),
    "mode DCR": _attribute("mode", "DCR", "DCR"),
    "mode=CRD": _attribute("mode", "DCR", "CRD"),
    "mode constant": _attribute("mode", "constant", "constant"),
    "mode linear or nearest": _attribute("mode", "nearest", "linear", "nearest"),
    "mode nearest or linear": _attribute("mode", "nearest", "linear", "nearest"),
    "mode nearest or bilinear": _attribute("mode", "nearest", "linear", "nearest"),
    "not mode wrap": lambda node, model: node.attributes.get("mode") != "wrap",
    "mode wrap not taken": lambda node, model: node.attributes.get("mode") != "wrap",
    "reduction none": _attribute("reduction", "none", "none"),
    "no reduction": _attribute("reduction", "none", "none"),
    "keep_aspect_ratio_policy stretch": _attribute("keep_aspect_ratio_policy", "stretch", "stretch"),
    "aspect ratio policy stretch": _attribute("keep_aspect_ratio_policy", "stretch", "stretch"),
    "keepdims=1 only": _attribute("keepdims", 1, 1),
    "no allowzero": _attribute("allowzero", 0, 0),
    "transA=0, alpha=1, beta=1": lambda node, model: (
        not node.attributes.get("transA") and node.attributes.get("alpha", 1) == node.attributes.get("beta", 1) == 1
    ),
    "no clip": lambda node, model: "clip" not in node.attributes,
    "auto_pad SAME not taken": lambda node, model: "SAME" not in node.attributes.get("auto_pad", ""),
    "auto_pad SAME_UPPER and SAME_LOWER not taken": lambda node, model: (
        "SAME" not in node.attributes.get("auto_pad", "")
    ),
    "no dilation": _all_ones("dilations"),
    "dilations 1": _all_ones("dilations"),
    "output_padding default": lambda node, model: not any(node.attributes.get("output_padding") or ()),
    "output_shape not taken": lambda node, model: "output_shape" not in node.attributes,
    "one output": _one_output,
    "inference only": _attribute("training_mode", 0, 0),
    "group 1 or depthwise": _grouped_or_depthwise,
    "float and double only": _types("float", "double"),
    "float32 inputs": _types("float"),
    "bool inputs": _types("bool"),
    "no int4 or uint4": _not_types("int4", "uint4"),
    "no 8- or 16-bit integers": _not_types(*_SMALL),
    "no integers below 32 bit": _not_types(*_SMALL),
    "one output, no 8- or 16-bit integers": lambda node, model: (
        _one_output(node, model) and _not_types(*_SMALL)(node, model)
    ),
    "no unsigned integers": _not_types(*_UNSIGNED),
    "no integer power": lambda node, model: all(d in _FLOATS for d in node.types.values()) if node.types else None,
    "float16 on ppc64le and macOS only": _not_types("float16"),
    "no float16": _not_types("float16"),
    "explicit axes only": lambda node, model: len(node.inputs) > 1 or "axes" in node.attributes,
    "no axes input": lambda node, model: len(node.inputs) < 2 or not node.inputs[1],
    "done axis by axis": lambda node, model: True,
    "done as zero insertion and convolution": lambda node, model: True,
    "runs on CPU": lambda node, model: False,
    "float32 output": lambda node, model: True,
    "no Indices output": lambda node, model: len(node.outputs) < 2 or not node.outputs[1],
    "from opset 13 only axis = last": lambda node, model: node.version < 13 or _last_axis(node, model),
    **dict.fromkeys(_SINCE_1_18, lambda node, model: True),
}
