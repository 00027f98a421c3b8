"""Faults in operators' attributes and operands: the same nodes and weights compute something else."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ..graphs import Array, Mutant, Mutation, Slot, attribute, constant, inserted, on_nodes, on_slots, set_attribute

_NORMS = {
    "BatchNormalization", "LayerNormalization", "InstanceNormalization", "GroupNormalization", "RMSNormalization",
    "SimplifiedLayerNormalization", "SkipLayerNormalization", "MeanVarianceNormalization",
}  # fmt: skip
_POOLS = {"AveragePool", "MaxPool", "LpPool"}
_MOST_EPSILON = 2e-3


def epsilon(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Multiply a normalisation's epsilon by ten, as an attribute or as a small constant in an Add."""

    def edit(_: onnx.ModelProto, node: onnx.NodeProto) -> str:
        old = attribute(node, "epsilon", 1e-5)
        set_attribute(node, "epsilon", 10 * old)
        return f"epsilon {old:g} -> {10 * old:g}"

    yield from on_nodes(model, rng, _NORMS, edit)
    yield from on_slots(
        model, rng, _is_epsilon, lambda array: (array * array.dtype.type(10), f"epsilon {array.flat[0]:g} x 10")
    )


def _is_epsilon(slot: Slot) -> bool:
    if not slot.is_weight or not any(user == "Add" for user, _ in slot.users):
        return False
    array = slot.read()
    return array.size == 1 and 0 < float(array.flat[0]) <= _MOST_EPSILON


def padding(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Move one element of padding to the other side: shapes stay, the image is shifted."""

    def edit(_: onnx.ModelProto, node: onnx.NodeProto) -> str:
        named = attribute(node, "auto_pad", b"NOTSET").decode()
        if named.startswith("SAME"):
            other = "SAME_LOWER" if named == "SAME_UPPER" else "SAME_UPPER"
            set_attribute(node, "auto_pad", other)
            return f"{named} -> {other}"
        pads = list(attribute(node, "pads", ()))
        axes = [axis for axis in range(len(pads) // 2) if pads[axis] or pads[axis + len(pads) // 2]]
        if not axes:
            return ""
        start = int(rng.choice(axes))
        end = start + len(pads) // 2
        step = 1 if pads[end] else -1
        moved = [*pads]
        moved[start], moved[end] = pads[start] + step, pads[end] - step
        set_attribute(node, "pads", moved)
        return f"pads {pads} -> {moved}"

    return on_nodes(model, rng, {"Conv", "ConvTranspose", *_POOLS}, edit)


def padded_constant(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Move one element of a Pad's padding to the other side."""

    def edit(copy: onnx.ModelProto, node: onnx.NodeProto) -> str:
        slot = constant(copy, node.input[1]) if len(node.input) > 1 else None
        pads = slot.read() if slot else np.zeros(0, np.int64)
        half = len(pads) // 2
        axes = [axis for axis in range(half) if pads[axis] > 0 or pads[axis + half] > 0]
        if slot is None or not axes:
            return ""
        axis = int(rng.choice(axes))
        step = 1 if pads[axis + half] > 0 else -1
        before = pads.tolist()
        pads[axis] += step
        pads[axis + half] -= step
        slot.write(pads)
        return f"pads {before} -> {pads.tolist()}"

    return on_nodes(model, rng, {"Pad"}, edit)


def count_include_pad(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Let an average count its padding, or stop counting it."""

    def edit(_: onnx.ModelProto, node: onnx.NodeProto) -> str:
        old = attribute(node, "count_include_pad", 0)
        set_attribute(node, "count_include_pad", 1 - old)
        return f"count_include_pad {old} -> {1 - old}"

    return on_nodes(model, rng, {"AveragePool"}, edit)


def coordinates(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Change the coordinates of a resized image's pixels."""

    def edit(_: onnx.ModelProto, node: onnx.NodeProto) -> str:
        old = attribute(node, "coordinate_transformation_mode", b"half_pixel").decode()
        new = "align_corners" if old != "align_corners" else "half_pixel"
        set_attribute(node, "coordinate_transformation_mode", new)
        return f"{old} -> {new}"

    return on_nodes(model, rng, {"Resize"}, edit)


def resize_mode(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Replace linear interpolation by nearest neighbour, or vice versa."""

    def edit(_: onnx.ModelProto, node: onnx.NodeProto) -> str:
        old = attribute(node, "mode", b"nearest").decode()
        new = "linear" if old == "nearest" else "nearest"
        set_attribute(node, "mode", new)
        return f"{old} -> {new}"

    return on_nodes(model, rng, {"Resize", "Upsample"}, edit)


def softmax_axis(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Use the axis before the correct one."""

    def edit(_: onnx.ModelProto, node: onnx.NodeProto) -> str:
        old = attribute(node, "axis", -1)
        new = old - 1 if old else 1
        set_attribute(node, "axis", new)
        return f"axis {old} -> {new}"

    return on_nodes(model, rng, {"Softmax", "LogSoftmax"}, edit)


def gelu(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Replace GELU by erf with GELU by tanh, or vice versa; replace a single Erf by its approximation with tanh."""

    def edit(copy: onnx.ModelProto, node: onnx.NodeProto) -> str:
        if node.op_type == "Gelu":
            old = attribute(node, "approximate", b"none").decode()
            new = "tanh" if old == "none" else "none"
            set_attribute(node, "approximate", new)
            return f"approximate {old} -> {new}"
        inserted(copy, node, lambda before, after: _tanh_of(node.input[0], before, after))
        return "erf(x) -> tanh(1.1284 x + 0.1009 x**3)"

    return on_nodes(model, rng, {"Gelu", "Erf"}, edit)


def _tanh_of(x: str, unused: str, result: str) -> list[onnx.NodeProto]:
    """tanh(sqrt(2/pi) (u + 0.044715 u**3)) for u = sqrt(2) x, which replaces erf(x) in the tanh form of GELU."""
    first, third = 2 / np.sqrt(np.pi), 0.044715 * 4 / np.sqrt(np.pi)
    names = [f"{unused}_{number}" for number in range(6)]
    constants = [
        helper.make_node("Constant", [], [name], value=numpy_helper.from_array(np.float32(value), name))
        for name, value in zip(names[:2], (first, third), strict=True)
    ]
    return [
        *constants,
        helper.make_node("Mul", [x, x], [names[2]]),
        helper.make_node("Mul", [names[2], names[1]], [names[3]]),
        helper.make_node("Add", [names[3], names[0]], [names[4]]),
        helper.make_node("Mul", [names[4], x], [names[5]]),
        helper.make_node("Tanh", [names[5]], [result]),
    ]


def slope(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Change an activation's slope by a tenth."""

    def edit(_: onnx.ModelProto, node: onnx.NodeProto) -> str:
        default = {"LeakyRelu": 0.01, "Elu": 1.0, "HardSigmoid": 0.2, "Selu": 1.67326, "Celu": 1.0}[node.op_type]
        old = attribute(node, "alpha", default)
        set_attribute(node, "alpha", 1.1 * old)
        return f"alpha {old:g} -> {1.1 * old:g}"

    return on_nodes(model, rng, {"LeakyRelu", "Elu", "HardSigmoid", "Selu", "Celu"}, edit)


def clip_bound(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Change a bound of a Clip: 6 becomes 6.6, 0 becomes 0.1."""

    def fits(slot: Slot) -> bool:
        return any(user == "Clip" and number in (1, 2) for user, number in slot.users)

    def edit(array: Array) -> tuple[Array, str] | None:
        new = array * array.dtype.type(1.1) if array.any() else array + array.dtype.type(0.1)
        return new.astype(array.dtype), f"bound {array.flat[0]:g} -> {new.flat[0]:g}"

    return on_slots(model, rng, fits, edit)


def reduced_axis(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Reduce the axis next to the correct one."""

    def edit(copy: onnx.ModelProto, node: onnx.NodeProto) -> str:
        slot = constant(copy, node.input[1]) if len(node.input) > 1 else None
        axes = slot.read().tolist() if slot else list(attribute(node, "axes", ()))
        if len(axes) != 1:
            return ""
        new = [axes[0] - 1 if axes[0] not in (0, 1) else axes[0] + 1]
        if slot:
            slot.write(np.array(new, np.int64))
        else:
            set_attribute(node, "axes", new)
        return f"axes {axes} -> {new}"

    return on_nodes(model, rng, {"ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL2"}, edit)


def concat_order(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Swap two parts of a concatenated tensor."""

    def edit(_: onnx.ModelProto, node: onnx.NodeProto) -> str:
        if len(node.input) < 2 or node.input[0] == node.input[-1]:
            return ""
        node.input[0], node.input[-1] = node.input[-1], node.input[0]
        return "first and last part swapped"

    return on_nodes(model, rng, {"Concat"}, edit)


def permutation(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Swap two axes of a Transpose; only the values change if the two have the same length."""

    def edit(_: onnx.ModelProto, node: onnx.NodeProto) -> str:
        perm = list(attribute(node, "perm", ()))
        if len(perm) < 3:
            return ""
        first, second = sorted(rng.choice(np.arange(1, len(perm)), 2, replace=False))
        new = [*perm]
        new[first], new[second] = perm[second], perm[first]
        set_attribute(node, "perm", new)
        return f"perm {perm} -> {new}"

    return on_nodes(model, rng, {"Transpose"}, edit)


def operands_swapped(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Swap the operands of a - b or a / b."""

    def edit(_: onnx.ModelProto, node: onnx.NodeProto) -> str:
        node.input[0], node.input[1] = node.input[1], node.input[0]
        return "operands swapped"

    return on_nodes(model, rng, {"Sub", "Div"}, edit)


def gather_index(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Change a constant index by one."""

    def fits(slot: Slot) -> bool:
        return any(user in {"Gather", "GatherND", "ArrayFeatureExtractor"} and n == 1 for user, n in slot.users)

    def edit(array: Array) -> tuple[Array, str] | None:
        if array.dtype.kind != "i" or not array.size:
            return None
        flat = array.reshape(-1)
        at = int(rng.integers(flat.size))
        flat[at] += 1 if flat[at] < 0 or flat[at] == 0 else -1
        return flat.reshape(array.shape), f"index {at} one off"

    return on_slots(model, rng, fits, edit)


def dilation(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Double a convolution's dilation, padded so that shapes stay."""

    def edit(copy: onnx.ModelProto, node: onnx.NodeProto) -> str:
        weight = constant(copy, node.input[1])
        pads = list(attribute(node, "pads", ()))
        if weight is None or not pads or min(weight.read().shape[2:]) < 2 or attribute(node, "auto_pad") is not None:
            return ""
        kernel = weight.read().shape[2:]
        old = list(attribute(node, "dilations", [1] * len(kernel)))
        extra = [dilation * (size - 1) for dilation, size in zip(old, kernel, strict=True)]
        wider = [pads[i] + extra[i] // 2 for i in range(len(kernel))]
        behind = [pads[i + len(kernel)] + extra[i] - extra[i] // 2 for i in range(len(kernel))]
        set_attribute(node, "pads", wider + behind)
        set_attribute(node, "dilations", [2 * dilation for dilation in old])
        return f"dilations {old} doubled"

    return on_nodes(model, rng, {"Conv"}, edit)


_CONFUSED_WITH = {
    "Sigmoid": "HardSigmoid", "Relu": "Softplus", "HardSigmoid": "Sigmoid", "Tanh": "Softsign", "Elu": "Selu",
    "GlobalAveragePool": "GlobalMaxPool", "ReduceMax": "ReduceMean", "Floor": "Round", "Softmax": "LogSoftmax",
}  # fmt: skip


def look_alike(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Replace an operator by one with a similar name or curve."""

    def edit(_: onnx.ModelProto, node: onnx.NodeProto) -> str:
        old, node.op_type = node.op_type, _CONFUSED_WITH[node.op_type]
        if old != "Softmax":
            kept = [entry for entry in node.attribute if entry.name in {"keepdims", "axes"}]
            del node.attribute[:]
            node.attribute.extend(kept)
        return f"{old} -> {node.op_type}"

    return on_nodes(model, rng, set(_CONFUSED_WITH), edit)


TABLE: dict[str, Mutation] = {
    "epsilon x 10": epsilon,
    "padding moved by one": padding,
    "Pad moved by one": padded_constant,
    "count_include_pad": count_include_pad,
    "resize coordinates": coordinates,
    "resize mode": resize_mode,
    "softmax axis": softmax_axis,
    "GELU tanh for erf": gelu,
    "activation's slope": slope,
    "clip bound": clip_bound,
    "reduced axis": reduced_axis,
    "concat order": concat_order,
    "transpose permutation": permutation,
    "operands swapped": operands_swapped,
    "gather index off by one": gather_index,
    "dilation": dilation,
    "operator taken for another": look_alike,
}
