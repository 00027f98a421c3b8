"""Text in ONNX graphs, for which Core ML has no tensors: if it is only moved and compared, numbers can replace it.

Every text becomes its index in a sorted list of all texts of the graph, so that equal texts are equal numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import onnx
from onnx import AttributeProto, GraphProto, TensorProto, helper, numpy_helper

from .....validate.signature import STRING, Signature, TensorSpec
from .node import names_read

_MOVES = {
    *("ArrayFeatureExtractor", "Compress", "Concat", "Expand", "Flatten", "Gather", "GatherElements", "GatherND"),
    *("Identity", "Reshape", "Slice", "Split", "Squeeze", "Tile", "Transpose", "Unsqueeze", "Where"),
}
"""Operators that work on numbers as they do on text."""

_COMPARES = {"Equal", "LabelEncoder", "Shape", "Size"}
"""Operators with text as input but not as output, whose results are the same for numbers."""

_MAKERS = {"value_string": "value_int", "value_strings": "value_ints", "classlabels_strings": "classlabels_int64s"}
_NUMBERED = {**_MAKERS, "keys_strings": "keys_int64s"}
"""Attributes with text, and those for its numbers; attributes that become an output come first."""

Numbers = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Numbered:
    """A model with numbers for its texts. ``outputs`` are those that were text, ``words`` are the texts by number."""

    model: onnx.ModelProto
    signature: Signature
    outputs: frozenset[str]
    words: tuple[str, ...]


def numbered(model: onnx.ModelProto, signature: Signature) -> Numbered | None:
    """``model`` with numbers for its texts; None if it has none, or if numbers can't replace them.

    A text output must have one text per sample.
    """
    words = tuple(sorted(set(_words(model.graph))))
    texts = [spec for spec in signature.outputs if spec.dtype == STRING]
    if not words or any(spec.dtype == STRING for spec in signature.inputs) or not all(map(_is_column, texts)):
        return None
    made = onnx.ModelProto()
    made.CopyFrom(model)
    outputs = frozenset(spec.name for spec in texts)
    if not outputs <= _renumbered(made.graph, {word: number for number, word in enumerate(words)}):
        return None
    specs = tuple(replace(spec, dtype="int64") if spec.name in outputs else spec for spec in signature.outputs)
    return Numbered(made, replace(signature, outputs=specs), outputs, words)


def _is_column(spec: TensorSpec) -> bool:
    return spec.shape is not None and len(spec.shape) == 1 and (isinstance(spec.shape[0], str) or spec.shape == (1,))


def _words(graph: GraphProto) -> Iterable[str]:
    """All texts among the constants."""
    for tensor in (*graph.initializer, *(a.t for node in graph.node for a in node.attribute if a.HasField("t"))):
        if tensor.data_type == TensorProto.STRING:
            yield from map(_text, tensor.string_data)
    for attribute in (a for node in graph.node for a in node.attribute if a.name in _NUMBERED):
        yield from _texts(attribute)


def _renumbered(graph: GraphProto, numbers: Numbers) -> set[str]:
    """Replace texts by numbers; returns the names of text values, or none if numbers can't replace them."""
    texts = {tensor.name for tensor in graph.initializer if _renumber(tensor, numbers)}
    for node in graph.node:
        makes = [_renumber_attribute(attribute, numbers) for attribute in node.attribute]
        moves = not texts.isdisjoint(names_read(node))
        if moves and node.op_type not in _MOVES | _COMPARES:
            return set()
        if any(makes) or (moves and node.op_type in _MOVES):
            texts.update(node.output[:1] if any(makes) else node.output)
    _declare(graph, texts)
    return texts


def _declare(graph: GraphProto, texts: set[str]) -> None:
    """Declare ``texts`` as integers."""
    for value in (*graph.value_info, *graph.output):
        if value.name in texts:
            value.type.tensor_type.elem_type = TensorProto.INT64


def _renumber(tensor: TensorProto, numbers: Numbers) -> bool:
    """Replace the texts of a tensor, if it has any, by their numbers."""
    if tensor.data_type != TensorProto.STRING:
        return False
    found = np.array([numbers[_text(word)] for word in tensor.string_data], np.int64).reshape(tuple(tensor.dims))
    tensor.CopyFrom(numpy_helper.from_array(found, tensor.name))
    return True


def _renumber_attribute(attribute: AttributeProto, numbers: Numbers) -> bool:
    """Replace the texts of an attribute by their numbers; returns whether the node outputs a tensor of them."""
    if attribute.HasField("t"):
        return _renumber(attribute.t, numbers)
    if attribute.name not in _NUMBERED or not _texts(attribute):
        return False
    found = [numbers[word] for word in _texts(attribute)]
    single, makes = attribute.type == AttributeProto.STRING, attribute.name in _MAKERS
    attribute.CopyFrom(helper.make_attribute(_NUMBERED[attribute.name], found[0] if single else found))
    return makes


def _texts(attribute: AttributeProto) -> list[str]:
    return list(map(_text, [attribute.s] if attribute.type == AttributeProto.STRING else attribute.strings))


def _text(word: bytes) -> str:
    return word.decode()
